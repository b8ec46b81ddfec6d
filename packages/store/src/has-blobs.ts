import { throwIfAborted } from '@varve/pack/errors'
import { indexKind, type RawHash } from '@varve/pack/objects'
import type { Abortable } from './api/index.ts'
import type { StoreRooms } from './assembly/index.ts'

/** Look-ups, and touches, between two turns of the event loop. */
const HASHES_PER_SECTION = 1_024

/**
 * Which of the blobs the store holds; `touch` makes those young again.
 * @throws CORRUPT, ABORTED, STORE_CLOSED, WRITER_FAILED
 */
export async function hasBlobs(
  rooms: StoreRooms,
  hashes: readonly RawHash[],
  o: Abortable & { readonly touch?: boolean | undefined },
): Promise<boolean[]> {
  const answers: boolean[] = []
  for (let from = 0; from < hashes.length; from += HASHES_PER_SECTION) {
    if (from > 0) await rooms.turn()
    throwIfAborted(o.signal)
    while (o.touch === true && rooms.queue.isBlocked) await rooms.queue.unblocked()
    for (const hash of hashes.slice(from, from + HASHES_PER_SECTION)) {
      const offset = rooms.objects.find(indexKind.blob, hash)
      if (offset !== 0 && o.touch === true) rooms.writer.touch(indexKind.blob, { hash, offset })
      answers.push(offset !== 0)
    }
  }
  return answers
}
