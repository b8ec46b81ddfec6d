import { assert } from '../base/index.ts'
import type { FileHandle } from './file-handle.ts'

/**
 * Writes all of source[sourceStart, sourceStart + length) at the position, in as many writes as it takes: a
 * disk may take a part and fail only at the next write (measured on a full one).
 * @throws what the handle throws; an unknown part is then written.
 */
export async function writeFully(
  handle: FileHandle,
  source: Buffer,
  sourceStart: number,
  length: number,
  position: number,
): Promise<void> {
  for (let done = 0; done < length; ) {
    const written = await handle.write(source, sourceStart + done, length - done, position + done)
    assert(
      written > 0 && written <= length - done,
      'a write takes at least one byte and none that it was not given',
    )
    done += written
  }
}

/** {@link writeFully} on the calling thread. */
export function writeFullySync(
  handle: FileHandle,
  source: Buffer,
  sourceStart: number,
  length: number,
  position: number,
): void {
  for (let done = 0; done < length; ) {
    const written = handle.writeSync(source, sourceStart + done, length - done, position + done)
    assert(
      written > 0 && written <= length - done,
      'a write takes at least one byte and none that it was not given',
    )
    done += written
  }
}
