import { fileName } from '@varve/pack/layout'
import type { AppendLog, ControlState } from '@varve/pack/pack'
import type { FileSet } from '../file-set/index.ts'

/**
 * File numbers for one collection: checkpoint, scratch, one for each round, and one for so many bytes that it
 * may copy. A segment is full with 256 MiB, or with 2^20 objects, which have more than these bytes.
 */
const FILE_NUMBERS_LEAST = 256
const BYTES_PER_FILE_NUMBER = 32 * 1024 * 1024

/**
 * Seals the open chunk unless it is empty, and sets numbers aside for the files of a collection. Control says
 * so before the first of them is used: also when the collection comes to nothing, no later opening gives them
 * out again.
 * @throws WRITER_FAILED, LOCK_LOST, and what the file system threw when another chunk could not be made
 */
export async function sealAndSetAside(
  log: AppendLog,
  files: FileSet,
): Promise<{ readonly from: number; readonly to: number }> {
  // In this order the sealing, which replaces control anyway, takes the counter along.
  const numbers = files.reserveFileNumbers(numbersFor(files.control, log))
  await log.seal()
  try {
    await files.recordFileNumbers()
  } catch (error) {
    throw log.fail(error, fileName.control)
  }
  return numbers
}

/** What the store holds is the most that can be copied. */
function numbersFor(control: ControlState, log: AppendLog): number {
  let bytes = 0
  for (const { base, length } of control.chunks) bytes += length ?? log.end - base
  for (const segment of control.segments) bytes += segment.bytes
  return FILE_NUMBERS_LEAST + Math.ceil(bytes / BYTES_PER_FILE_NUMBER)
}
