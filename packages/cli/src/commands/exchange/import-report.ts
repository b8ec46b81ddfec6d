import type { RepositoryReport } from '../../git-import/index.ts'
import { shownLines } from '../../terminal/index.ts'
import type { CommandContext } from '../context/index.ts'

export interface ImportReport extends RepositoryReport {
  /** The repository's own folder. */
  readonly repository: string
  readonly seconds: number
}

/** At most so many of a kind are listed on a terminal; JSON has them all. */
const LISTED_MAX = 20

export async function showImport({ output }: CommandContext, report: ImportReport): Promise<void> {
  const { repository, outcome, refs, skipped, seconds } = report
  const { counts, leftOut, odd, cut } = outcome
  const objects = counts.commits + counts.trees + counts.blobs
  const json = { type: 'import', repository, objects, ...counts, refs, skipped, leftOut, odd, cut, seconds }
  await output.document(json, () => {
    if (!output.isForEyes) return pipedLines(report)
    const rate = seconds > 0 ? Math.round(objects / seconds) : objects
    const count = (n: number): string => output.count(n)
    return [
      `${count(counts.commits)} commits, ${count(counts.trees)} trees, ${count(counts.blobs)} blobs ` +
        `(${output.size(counts.bytes)}) in ${seconds.toFixed(1)} s, ${count(rate)} objects/s`,
      ...listed(
        refs.filter(({ state }) => state !== 'same').map((ref) => `${ref.state.padEnd(8)} ${ref.name}`),
      ),
      ...listed(skipped.map(({ gitName, reason }) => `skipped  ${gitName}: ${reason}`)),
      ...listed(
        leftOut.map(
          ({ commit, path, id }) => `left out commit ${commit}: ${path || 'object'} ${id} is missing`,
        ),
      ),
      ...listed(cut.map((id) => `cut      ${id}: a parent is not in the store`)),
      ...listed(
        odd.map(
          (id) => `odd      ${id}: its tree has modes, names, or an order that a checkout cannot give back`,
        ),
      ),
    ].map(shownLines)
  })
}

function pipedLines({ outcome, refs, skipped }: ImportReport): string[] {
  const { counts, leftOut, odd, cut } = outcome
  return [
    ['imported', counts.commits, counts.trees, counts.blobs, counts.bytes].join('\t'),
    ...refs.map(({ state, name, after }) => ['ref', state, name, after ?? '-'].join('\t')),
    ...skipped.map(({ gitName, reason }) => ['skipped', gitName, reason].join('\t')),
    ...leftOut.map(({ commit, path, id }) => ['left-out', commit, path, id].join('\t')),
    ...cut.map((id) => ['cut', id].join('\t')),
    ...odd.map((id) => ['odd', id].join('\t')),
  ]
}

function listed(lines: readonly string[]): string[] {
  const rest = lines.length - LISTED_MAX
  return [...lines.slice(0, LISTED_MAX), ...(rest > 0 ? [`… and ${rest} more`] : [])]
}
