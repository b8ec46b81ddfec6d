import type { CheckFinding } from '@varve/store'
import { shownLines } from '../../terminal/index.ts'
import type { CommandContext } from '../context/index.ts'

/** One finding, with what is lost, in lines of its own. */
export async function showFinding({ output }: CommandContext, finding: CheckFinding): Promise<void> {
  if (output.isJson) return output.line(JSON.stringify({ type: 'finding', ...finding }))
  const { severity, file, offset, hash, what, repairable, lost = [] } = finding
  const cure = repairable ? 'repairable' : 'not repairable'
  if (!output.isForEyes) {
    await output.line([severity, file, offset, cure, hash ?? '-', shownLines(what)].join('\t'))
    for (const { commit, path } of lost) await output.line(['lost', commit, shownLines(path)].join('\t'))
    return
  }
  const { palette } = output
  const paint = severity === 'error' ? palette.red : palette.yellow
  const object = hash === undefined ? '' : ` ${output.hash(hash)}`
  await output.line(`${paint(severity)}  ${file} at ${offset}${object}: ${shownLines(what)} (${cure})`)
  for (const { commit, path } of lost) {
    await output.line(`         lost: ${output.hash(commit)}${path === '' ? '' : `:${shownLines(path)}`}`)
  }
}
