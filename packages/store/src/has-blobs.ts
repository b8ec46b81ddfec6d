import { throwIfAborted } from '@varve/pack/errors'
import { hexToRaw, indexKind, type RawHash } from '@varve/pack/objects'
import type { Abortable, Hash } from './api/index.ts'
import type { StoreRooms } from './assembly/index.ts'

/** Look-ups, and touches, between two turns of the event loop. */
const HASHES_PER_SECTION = 1_024

/**
 * Which of the blobs the store holds; `touch` makes those young again.
 * @throws INVALID_HASH before anything is touched; CORRUPT, ABORTED, STORE_CLOSED, WRITER_FAILED
 */
export async function hasBlobs(
  rooms: StoreRooms,
  hashes: readonly Hash<'blob'>[],
  o: Abortable & { readonly touch?: boolean | undefined },
): Promise<boolean[]> {
  const wanted = await checkedHashes(rooms, hashes, o)
  const answers: boolean[] = []
  for (let from = 0; from < wanted.length; from += HASHES_PER_SECTION) {
    if (from > 0) await rooms.turn()
    throwIfAborted(o.signal)
    while (o.touch === true && rooms.queue.isBlocked) await rooms.queue.unblocked()
    for (const hash of wanted.slice(from, from + HASHES_PER_SECTION)) {
      const offset = rooms.objects.find(indexKind.blob, hash)
      if (offset !== 0 && o.touch === true) rooms.writer.touch(indexKind.blob, { hash, offset })
      answers.push(offset !== 0)
    }
  }
  return answers
}

async function checkedHashes(
  rooms: StoreRooms,
  hashes: readonly Hash<'blob'>[],
  o: Abortable,
): Promise<RawHash[]> {
  const raw: RawHash[] = []
  for (let from = 0; from < hashes.length; from += HASHES_PER_SECTION) {
    if (from > 0) await rooms.turn()
    throwIfAborted(o.signal)
    for (const hash of hashes.slice(from, from + HASHES_PER_SECTION)) raw.push(hexToRaw(hash))
  }
  return raw
}
