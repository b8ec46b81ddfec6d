import { openFailure } from '../opening/index.ts'
import type { StoreRooms } from './store-rooms.ts'

/**
 * Takes a store apart in the order in which nothing is missed by what is still there. Every step is taken
 * whatever the others say; the first failure is thrown at the end.
 */
export async function closeRooms(rooms: StoreRooms): Promise<void> {
  const failures: unknown[] = []
  const step = async (work: () => void | Promise<void>): Promise<void> => {
    try {
      await work()
    } catch (error) {
      failures.push(error)
    }
  }
  rooms.markClosed()
  await step(() => rooms.checks.close())
  await step(() => rooms.gc.close())
  await step(() => rooms.copies.close())
  await step(() => rooms.threads.close())
  await step(() => rooms.indexing.close())
  await step(() => rooms.log.close())
  await step(() => rooms.queues.close())
  await step(() => rooms.projections.close())
  await step(() => rooms.blobs.close())
  await step(() => rooms.files.close())
  await step(() => rooms.retirer.drained())
  await step(() => rooms.releaseLock())
  if (failures.length > 0) throw openFailure(failures[0], rooms.folder)
}
