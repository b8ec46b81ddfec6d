import type { FileHandle } from './file-handle.ts'

/**
 * Reads until `length` bytes are there or the file ends, and returns how many came. It holds also over a
 * handle that reads short before the end, which one that keeps its contract never does.
 */
export async function readFully(
  handle: FileHandle,
  target: Buffer,
  targetStart: number,
  length: number,
  position: number,
): Promise<number> {
  let done = 0
  while (done < length) {
    const count = await handle.read(target, targetStart + done, length - done, position + done)
    if (count === 0) break
    done += count
  }
  return done
}

/** {@link readFully} on the calling thread. */
export function readFullySync(
  handle: FileHandle,
  target: Buffer,
  targetStart: number,
  length: number,
  position: number,
): number {
  let done = 0
  while (done < length) {
    const count = handle.readSync(target, targetStart + done, length - done, position + done)
    if (count === 0) break
    done += count
  }
  return done
}
