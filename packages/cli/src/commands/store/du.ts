import type { Entry, StoreReader, Tree, TreeEntry } from '@varve/store'
import type { Cell } from '../../terminal/index.ts'
import {
  type CommandContext,
  findTree,
  oddBytes,
  openForReading,
  parseRevisionPath,
  shownPath,
} from '../context/index.ts'

export interface DuOptions {
  /** So many entries, the largest, and the others in one line. */
  readonly limit?: number
}

/** Without a revision: the store's files. With one: what the directory holds, largest first. */
export async function du(
  context: CommandContext,
  target: string | undefined,
  { limit = Number.POSITIVE_INFINITY }: DuOptions,
): Promise<void> {
  await openForReading(context, async (store) => {
    if (target === undefined) await storeFiles(context, store)
    else await directory(context, await findTree(store, parseRevisionPath(target)), limit)
  })
}

/** Files of the upper layer, then volumes: as much as they take on their disks. */
async function storeFiles({ output }: CommandContext, store: StoreReader): Promise<void> {
  const { files, volumes } = store.stats()
  const archived = volumes.map(({ id, bytes }) => ({ name: `volume-${id}/`, bytes, liveBytes: bytes }))
  const listing = output.listing()
  let total = 0
  for (const { name, bytes, liveBytes } of [...files, ...archived]) {
    total += bytes
    await listing.row({ type: 'file', name, bytes, liveBytes }, () => [
      { text: output.size(bytes), isRight: true },
      { text: name },
    ])
  }
  await listing.row({ type: 'total', bytes: total }, () => [
    { text: output.size(total), isRight: true },
    { text: 'total' },
  ])
  await listing.end()
}

/** Sizes and counts stand in the nodes of the directory itself: nothing below it is read. */
async function directory({ output }: CommandContext, tree: Tree, limit: number): Promise<void> {
  const { bytes, count } = (await tree.stat('')) as TreeEntry
  const { entries, others } = await largest(tree, limit)
  const listing = output.listing()
  const cells = (size: number, inside: number | undefined, name: string): Cell[] => [
    { text: output.size(size), isRight: true },
    { text: inside === undefined ? '' : output.count(inside), isRight: true },
    { text: name },
  ]
  for (const entry of entries) {
    const { kind, name, nameBytes } = entry
    const inside = kind === 'tree' ? entry.count : undefined
    const size = bytesOf(entry)
    const json = {
      type: 'usage',
      kind,
      name,
      ...oddBytes('nameBytes', nameBytes),
      bytes: size,
      entries: inside,
    }
    await listing.row(json, () => cells(size, inside, shownPath(nameBytes, kind === 'tree')))
  }
  if (others.count > 0) {
    const json = { type: 'others', bytes: others.bytes, entries: others.count }
    await listing.row(json, () => cells(others.bytes, others.count, 'others'))
  }
  await listing.row({ type: 'total', bytes, entries: count }, () => cells(bytes, count, 'total'))
  await listing.end()
}

/** The largest entries, those of one size by name; and what the others are together. */
async function largest(
  tree: Tree,
  limit: number,
): Promise<{ entries: Entry[]; others: { count: number; bytes: number } }> {
  let entries: Entry[] = []
  const others = { count: 0, bytes: 0 }
  const cut = (): void => {
    entries.sort((a, b) => bytesOf(b) - bytesOf(a))
    for (const entry of entries.slice(limit)) {
      others.count++
      others.bytes += bytesOf(entry)
    }
    entries = entries.slice(0, limit)
  }
  for await (const entry of tree.entries()) {
    entries.push(entry)
    if (entries.length > 2 * limit + 1) cut()
  }
  cut()
  return { entries, others }
}

function bytesOf(entry: Entry): number {
  return entry.kind === 'blob' ? entry.size : entry.bytes
}
