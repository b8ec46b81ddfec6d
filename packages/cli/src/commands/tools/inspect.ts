import { inspectFile } from '../../inspect/index.ts'
import { shownLines } from '../../terminal/index.ts'
import { type CommandContext, userPath } from '../context/index.ts'

export async function inspect(context: CommandContext, file: string): Promise<void> {
  const { output } = context
  for await (const finding of inspectFile(userPath(context, file))) {
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
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value)
}
