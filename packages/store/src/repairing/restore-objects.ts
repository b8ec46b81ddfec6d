/**
 * Puts objects that are damaged or gone into the log again, as new records, with all below them that is gone
 * too. From then on they are found by their hashes, and so by every damaged reference; the next collection
 * puts them in the places of the damaged records.
 */
import { EdgeList } from '@varve/gc-worker'
import { writeU64 } from '@varve/pack/base'
import { type IndexKind, indexKindOf, type RawHash, readHash } from '@varve/pack/objects'
import type { RecordView } from '@varve/pack/pack'
import type { StoreRooms } from '../assembly/index.ts'
import { type Donor, recordFrom } from './donor.ts'

/** More than the deepest directory, or list of a large blob, has on the way down. */
const DEPTH_MAX = 100_000

export interface RestoredObject {
  readonly kind: IndexKind
  readonly hash: RawHash
}

/**
 * False: no donor has it, or something below it.
 * @throws WRITER_FAILED, and what the disk says
 */
export async function restoreObject(
  rooms: StoreRooms,
  donors: readonly Donor[],
  object: RestoredObject,
): Promise<boolean> {
  const edges = new EdgeList()
  const stack: RestoredObject[] = [object]
  for (let top = stack.at(-1); top !== undefined; top = stack.at(-1)) {
    while (rooms.queue.isBlocked) await rooms.queue.unblocked()
    // From here on one section of the write queue.
    if (rooms.files.index.findWhole(top.kind, top.hash) !== 0) {
      stack.pop()
      continue
    }
    const record = firstOf(donors, top)
    if (record === undefined || stack.length > DEPTH_MAX) return false
    const missing = missingBelow(rooms, record, edges)
    if (missing === undefined) return false
    if (missing.length > 0) stack.push(...missing)
    else append(rooms, record, edges)
  }
  return true
}

function firstOf(donors: readonly Donor[], { kind, hash }: RestoredObject): RecordView | undefined {
  for (const donor of donors) {
    const record = recordFrom(donor, kind, hash)
    if (record !== undefined) return record
  }
  return undefined
}

/** What the record refers to and the store has not; `undefined`: the record is malformed. */
function missingBelow(rooms: StoreRooms, record: RecordView, edges: EdgeList): RestoredObject[] | undefined {
  if (!edges.fill(record.buf, record.bodyStart - 48)) return undefined
  const missing: RestoredObject[] = []
  for (let i = 0; i < edges.count; i++) {
    const child = childOf(record, edges, i)
    if (rooms.files.index.findWhole(child.kind, child.hash) === 0) missing.push(child)
  }
  return missing
}

/** With references to where things are here. */
function append(rooms: StoreRooms, record: RecordView, edges: EdgeList): void {
  const { kind, hash, referenceCount, bodyStart, bodyEnd } = record
  const body = Buffer.from(record.buf.subarray(bodyStart, bodyEnd))
  for (let i = 0; i < edges.count; i++) {
    const child = childOf(record, edges, i)
    const offset = rooms.files.index.findWhole(child.kind, child.hash)
    writeU64(body, offset, body.length - 8 * (edges.count - i))
  }
  const offset = rooms.log.append(kind, 0, hash, referenceCount, body, 0, body.length)
  const under = indexKindOf(kind)
  if (under !== undefined) rooms.files.index.add(under, hash, offset)
}

function childOf(record: RecordView, edges: EdgeList, i: number): RestoredObject {
  return {
    kind: edges.kinds[i] as IndexKind,
    hash: readHash(record.buf, edges.hashAt[i] as number),
  }
}
