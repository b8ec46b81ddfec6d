import { inspectFile } from '../../inspect/index.ts'
import { CommandFailure, shownLines } from '../../terminal/index.ts'
import { type CommandContext, EXIT_FINDINGS, userPath } from '../context/index.ts'

/** Exit code 3 when some of the file is not what was written. */
export async function inspect(context: CommandContext, file: string): Promise<number> {
  const { output } = context
  const path = userPath(context, file)
  await refuseOther(context, path)
  let hasDamage = false
  for await (const finding of inspectFile(path)) {
    if (finding.type === 'damage') hasDamage = true
    if (output.isJson) await output.line(JSON.stringify(finding))
    else {
      const { type, ...facts } = finding
      const fields = Object.entries(facts).map(([name, value]) => `${name}=${textOf(value)}`)
      await output.line(
        shownLines([output.palette.bold(type.padEnd(10)), ...fields].join(output.isForEyes ? ' ' : '\t')),
      )
    }
  }
  await output.flush()
  return hasDamage ? EXIT_FINDINGS : 0
}

/** @throws CommandFailure when there is no file */
async function refuseOther({ host }: CommandContext, path: string): Promise<void> {
  const kind = await host.files.kind(path)
  if (kind === undefined) {
    throw new CommandFailure('FILE_FAILED', `there is no file ${path}`, { details: { code: 'ENOENT', path } })
  }
  if (kind === 'folder') {
    throw new CommandFailure('USAGE', `${path} is a folder`, { hint: 'Name one file in it.' })
  }
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value)
}
