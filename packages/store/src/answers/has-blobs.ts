import { throwIfAborted } from '@varve/pack/errors'
import { hexToRaw, indexKind, type RawHash } from '@varve/pack/objects'
import type { Abortable, Hash } from '../api/index.ts'
import type { ReaderRooms } from '../assembly/index.ts'

/** Look-ups, and touches, between two turns of the event loop. */
const HASHES_PER_SECTION = 1_024

/** Makes what is there young again for the grace of collections. */
export interface Toucher {
  /** Comes before each section of touches. */
  ready(): Promise<void>
  touch(blob: { readonly hash: RawHash; readonly offset: number }): void
}

interface HasBlobsOptions extends Abortable {
  readonly toucher: Toucher | undefined
}

/**
 * Which of the blobs the store holds.
 * @throws INVALID_HASH before anything is touched; CORRUPT, ABORTED, STORE_CLOSED, WRITER_FAILED
 */
export async function hasBlobs(
  rooms: ReaderRooms,
  hashes: readonly Hash<'blob'>[],
  o: HasBlobsOptions,
): Promise<boolean[]> {
  const wanted = await checkedHashes(rooms, hashes, o)
  const answers: boolean[] = []
  for (let from = 0; from < wanted.length; from += HASHES_PER_SECTION) {
    if (from > 0) await rooms.turn()
    throwIfAborted(o.signal)
    await o.toucher?.ready()
    for (const hash of wanted.slice(from, from + HASHES_PER_SECTION)) {
      const offset = rooms.objects.find(indexKind.blob, hash)
      if (offset !== 0) o.toucher?.touch({ hash, offset })
      answers.push(offset !== 0)
    }
  }
  return answers
}

async function checkedHashes(
  rooms: ReaderRooms,
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
