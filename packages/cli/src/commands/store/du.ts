import type { Entry } from '@varve/store'
import {
  type CommandContext,
  findTree,
  oddBytes,
  openForReading,
  parseRevisionPath,
  shownPath,
} from '../context/index.ts'

/** Without a revision: the store's files. With one: what the directory holds, largest first. */
export async function du(context: CommandContext, target: string | undefined): Promise<void> {
  if (target === undefined) await storeFiles(context)
  else await directory(context, target)
}

async function storeFiles(context: CommandContext): Promise<void> {
  const { output } = context
  await openForReading(context, async (store) => {
    const listing = output.listing()
    let total = 0
    for (const { name, bytes } of store.stats().files) {
      total += bytes
      await listing.row({ type: 'file', name, bytes }, () => [
        { text: output.size(bytes), isRight: true },
        { text: name },
      ])
    }
    await listing.row({ type: 'total', bytes: total }, () => [
      { text: output.size(total), isRight: true },
      { text: 'total' },
    ])
    await listing.end()
  })
}

async function directory(context: CommandContext, target: string): Promise<void> {
  const { output } = context
  await openForReading(context, async (store) => {
    const tree = await findTree(store, parseRevisionPath(target))
    const entries = await tree.entries().toArray()
    entries.sort((a, b) => bytesOf(b) - bytesOf(a))
    const listing = output.listing()
    for (const entry of entries) {
      const entryCount = entry.kind === 'tree' ? entry.count : undefined
      const { kind, name } = entry
      const bytes = bytesOf(entry)
      const json = {
        type: 'usage',
        kind,
        name,
        ...oddBytes('nameBytes', entry.nameBytes),
        bytes,
        entries: entryCount,
      }
      await listing.row(json, () => [
        { text: output.size(bytes), isRight: true },
        { text: shownPath(entry.nameBytes, kind === 'tree') },
      ])
    }
    const total = entries.reduce((sum, entry) => sum + bytesOf(entry), 0)
    await listing.row({ type: 'total', bytes: total, entries: entries.length }, () => [
      { text: output.size(total), isRight: true },
      { text: 'total' },
    ])
    await listing.end()
  })
}

function bytesOf(entry: Entry): number {
  return entry.kind === 'blob' ? entry.size : entry.bytes
}
