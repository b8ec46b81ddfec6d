/**
 * Moves refs: the record, the newest value, and (once it is as durable as asked) the acknowledged one.
 * `append` is a step of a section of the write queue; `settle` comes after it.
 */
import { indexKind, type MetaReference, metaTable, rawToHex } from '@varve/pack/objects'
import { encodeRefValue, type RefTarget } from '../refs/index.ts'
import type { BranchRooms } from './branch-rooms.ts'

export interface RefMove {
  readonly key: string
  readonly target: RefTarget | undefined
  readonly position: number
}

/** Appends the change of a ref; nobody but the write queue sees it yet. */
export function appendRef(rooms: BranchRooms, key: string, target: RefTarget | undefined): RefMove {
  const references: MetaReference[] =
    target === undefined ? [] : [{ kind: indexKind.commit, hash: target.hash, offset: target.offset }]
  const position = rooms.writer.putMeta({
    table: metaTable.refs,
    isDeleted: target === undefined,
    key: Buffer.from(key),
    value: target === undefined ? Buffer.alloc(0) : encodeRefValue(target),
    references,
  })
  rooms.refs.stage(key, target, position)
  return { key, target, position }
}

/** Waits until the change is as durable as asked, then lets everybody see it. @throws WRITER_FAILED */
export async function settleRef(
  rooms: BranchRooms,
  move: RefMove,
  durability: 'commit' | 'flush',
): Promise<void> {
  await rooms.queue.settle(durability)
  rooms.refs.acknowledge(move.key, move.target, move.position)
  const hash = move.target === undefined ? undefined : rawToHex(move.target.hash)
  rooms.projections.noteRef(move.key, hash, rooms.writer.end)
}
