import { VarveError } from '@varve/pack/errors'
import { fileName } from '@varve/pack/layout'
import type { ControlVolume } from '@varve/pack/pack'
import type { StoreRooms } from './assembly/index.ts'
import { createVolume, hasNewerManifest } from './opening/index.ts'

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
    const last = files.control.volumes.at(-1) as ControlVolume
    // Where a disk is not mounted, no folder is made in its place.
    files.assertLowerThere()
    // One that has archived a generation only has no range of the log yet.
    const isEmpty = last.low === last.high && last.bytes === 0
    // One that a copy of the store has archived into is of no more use to this one.
    if (isEmpty && !(await hasNewerManifest(rooms.fs, path, last)))
      throw mismatch('the last volume is still empty')
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
