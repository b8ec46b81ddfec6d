/** Joins copies and backups to the store that they are of. */
import type { ThreadKeeper } from '@varve/gc-worker'
import type { AppendLog } from '@varve/pack/pack'
import { findCommit } from '../branches/index.ts'
import { type CopiesParts, StoreCopies } from '../copies/index.ts'
import type { ReaderRooms } from './reader-rooms.ts'

type Platform = Pick<CopiesParts, 'fs' | 'clock' | 'random'> & {
  readonly collectorWhere?: CopiesParts['where']
}

/** Of a store that is written to here. */
export function copiesFor(parts: {
  readonly platform: Platform
  readonly rooms: Omit<ReaderRooms, 'copies' | 'id' | 'blobs' | 'turn'>
  readonly lowerPath: () => string | undefined
  readonly log: AppendLog
  readonly threads: ThreadKeeper
}): StoreCopies {
  const { platform, rooms, lowerPath, log, threads } = parts
  return new StoreCopies({
    ...common(platform, rooms),
    ...{ lowerPath, threads, where: platform.collectorWhere },
    settledEnd: async () => {
      // A writer that has failed syncs no more; what it had synced is worth a copy all the more.
      if (log.failure === undefined) await log.sync()
      return log.syncedTo
    },
  })
}

/** Of a store that is only read here. */
export function copiesOfFollowed(parts: {
  readonly platform: Platform
  readonly rooms: Omit<ReaderRooms, 'copies' | 'id' | 'blobs' | 'turn'>
  readonly lowerPath: () => string | undefined
  readonly end: () => number
}): StoreCopies {
  const { platform, rooms, lowerPath, end } = parts
  return new StoreCopies({
    ...common(platform, rooms),
    ...{ lowerPath, threads: undefined, where: platform.collectorWhere },
    settledEnd: async () => end(),
  })
}

function common(
  { fs, clock, random }: Platform,
  rooms: Omit<ReaderRooms, 'copies' | 'id' | 'blobs' | 'turn'>,
): Pick<
  CopiesParts,
  'fs' | 'clock' | 'random' | 'folder' | 'files' | 'storeId' | 'assertOpen' | 'findCommit'
> {
  const { folder, files } = rooms
  return {
    ...{ fs, clock, random, folder, files },
    storeId: () => files.control.storeId,
    assertOpen: () => rooms.assertOpen(),
    findCommit: (commit) => findCommit(rooms, commit),
  }
}
