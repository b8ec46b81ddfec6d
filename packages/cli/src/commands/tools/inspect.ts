import { type Finding, inspectFile, rebuiltFile } from '../../inspect/index.ts'
import { CommandFailure } from '../../terminal/index.ts'
import { type CommandContext, EXIT_FINDINGS, userPath } from '../context/index.ts'
import { FindingTable } from './finding-table.ts'

export interface InspectOptions {
  /** So many lines at most, and no look at what follows them; without it, all. */
  readonly limit?: number
  /** Where the file goes that is built again. */
  readonly rebuild?: string
}

/** Exit code 3 when some of the file is not what was written. */
export async function inspect(
  context: CommandContext,
  file: string,
  { limit, rebuild }: InspectOptions,
): Promise<number> {
  if (rebuild !== undefined) {
    await rebuildTo(context, file, rebuild)
    return 0
  }
  const { output, signal } = context
  const path = userPath(context, file)
  await refuseOther(context, path)
  const table = new FindingTable(output)
  let hasFault = false
  let lines = 0
  try {
    for await (const finding of inspectFile(path, { isExact: output.isJson })) {
      signal.throwIfAborted()
      if (lines++ === limit) break
      if (isFault(finding)) hasFault = true
      if (output.isJson) await output.line(JSON.stringify(finding))
      else await table.add(finding)
    }
  } finally {
    // What was told before a failure is of use.
    await table.end()
  }
  return hasFault ? EXIT_FINDINGS : 0
}

/** Makes the file again of which the lines were printed; a file that is not all there does not stay. */
async function rebuildTo(context: CommandContext, from: string, to: string): Promise<void> {
  const { host, output, signal } = context
  const target = userPath(context, to)
  if ((await host.files.kind(target)) !== undefined) {
    throw new CommandFailure('EXISTS', `${target} is there already`, { details: { path: target } })
  }
  const text = from === '-' ? host.stdin.read() : await linesIn(context, from)
  let size = 0
  const counted = async function* (): AsyncGenerator<Uint8Array> {
    for await (const bytes of rebuiltFile(text)) {
      signal.throwIfAborted()
      size += bytes.length
      yield bytes
    }
  }
  try {
    await host.files.create(target, counted(), { isExecutable: false })
  } catch (cause) {
    if (!hasCode(cause, 'EEXIST') && (await host.files.kind(target)) === 'file')
      await host.files.remove(target)
    throw cause
  }
  await output.document({ type: 'rebuilt', path: target, size }, () => [
    output.isForEyes ? `${target}: ${output.size(size)}` : target,
  ])
}

async function linesIn(context: CommandContext, file: string): Promise<AsyncIterable<Uint8Array>> {
  const path = userPath(context, file)
  await refuseOther(context, path)
  return context.host.files.read(path)
}

function isFault({ type }: Finding): boolean {
  return type === 'damage' || type === 'problem'
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

function hasCode(cause: unknown, code: string): boolean {
  return cause instanceof Error && 'code' in cause && cause.code === code
}
