import type { Change, Entry } from '@varve/store'
import { type Listing, type Output, shownName } from '../../terminal/index.ts'
import { type CommandContext, changeJson, changeLetter, changePath } from '../context/index.ts'

/** Whether sizes stand beside the names. */
export type ChangeStyle = 'name-status' | 'stat'

export interface ChangeTotals {
  added: number
  removed: number
  changed: number
  /** Bytes after minus bytes before. */
  bytes: number
}

/** Lists changes of blobs; a directory is told by what is in it, unless it is empty. */
export async function listChanges(
  { output }: CommandContext,
  listing: Listing,
  changes: AsyncIterable<Change>,
  style: ChangeStyle,
): Promise<ChangeTotals> {
  const totals: ChangeTotals = { added: 0, removed: 0, changed: 0, bytes: 0 }
  for await (const change of changes) {
    totals[change.type]++
    const before = 'before' in change ? sizeOf(change.before) : 0
    const after = 'after' in change ? sizeOf(change.after) : 0
    totals.bytes += after - before
    await listing.row(changeJson(change), () => {
      const letter = changeLetter(change)
      const { green, red, yellow } = output.palette
      const paint = letter === 'A' ? green : letter === 'D' ? red : yellow
      const name = { text: shownName(changePath(change)) }
      if (style === 'name-status') return [{ text: letter, paint }, name]
      return [{ text: letter, paint }, { text: signed(output, after - before), isRight: true }, name]
    })
  }
  return totals
}

function signed(output: Output, bytes: number): string {
  return `${bytes < 0 ? '-' : '+'}${output.size(Math.abs(bytes))}`
}

function sizeOf(entry: Entry): number {
  return entry.kind === 'blob' ? entry.size : entry.bytes
}
