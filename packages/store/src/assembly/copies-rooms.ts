/** Joins copies and backups to the store that they are of. */
import type { ThreadKeeper } from '@varve/gc-worker'
import type { AppendLog } from '@varve/pack/pack'
import { findCommit, type RefRooms } from '../branches/index.ts'
import { StoreCopies } from '../copies/index.ts'
import type { FilesView } from '../file-set/index.ts'
import type { StoreOptions } from './store-options.ts'

export function copiesFor(parts: {
  readonly options: StoreOptions
  readonly folder: string
  readonly files: FilesView
  readonly log: AppendLog
  readonly branchRooms: RefRooms
  readonly threads: ThreadKeeper
}): StoreCopies {
  const { options, folder, files, log, branchRooms, threads } = parts
  const { fs, clock, random, collectorWhere: where } = options
  return new StoreCopies({
    ...{ fs, clock, random, where, folder, files, threads },
    storeId: files.control.storeId,
    assertOpen: () => branchRooms.assertOpen(),
    findCommit: (commit) => findCommit(branchRooms, commit),
    settledEnd: async () => {
      // A writer that has failed syncs no more; what it had synced is worth a copy all the more.
      if (log.failure === undefined) await log.sync()
      return log.syncedTo
    },
  })
}
