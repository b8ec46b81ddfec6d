import { VarveError } from '@varve/pack/errors'
import { fileName } from '@varve/pack/layout'
import type { StoreRooms } from './assembly/index.ts'
import { createVolume } from './opening/index.ts'

/**
 * Begins a new volume of the lower layer: the next archive goes there.
 * @throws OPTION_MISMATCH without a lower layer, or while the last volume is still empty; GC_RUNNING;
 * LOWER_UNAVAILABLE; LOCK_LOST, WRITER_FAILED
 */
export async function addVolume(rooms: StoreRooms): Promise<void> {
  const { files, gc, log } = rooms
  const path = files.lowerPath
  if (path === undefined) throw mismatch('a volume lies in a lower layer, and the store has none')
  await gc.between(async () => {
    const last = files.control.volumes.at(-1)
    // One that has archived a generation only has no range of the log yet.
    const isEmpty = last === undefined || (last.low === last.high && last.bytes === 0)
    if (isEmpty) throw mismatch('the last volume is still empty')
    // Where a disk is not mounted, no folder is made in its place.
    files.assertLowerThere()
    const volume = await createVolume(rooms, path, files.control)
    try {
      await files.addVolume(volume)
    } catch (error) {
      throw log.fail(error, fileName.control)
    }
  })
}

function mismatch(message: string): VarveError {
  return new VarveError('OPTION_MISMATCH', { option: 'lower' }, { message })
}
