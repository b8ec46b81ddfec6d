/** A new chunk's size at which it is sealed, while there are few: it bounds what one index covers. */
export const chunkBytesDefault: number = 64 * 1024 * 1024

/** A chunk is also sealed at this many records: it bounds the table of the open chunk. */
export const chunkRecordsMax: number = 2 ** 20

/** At most this many sealed chunks wait for their index; then the writer waits. */
export const indexBacklogMax = 2

/** Past this many chunks new ones double, to bound the number of files. */
const chunksBeforeDoubling = 256
const doublingsMax = 4

/** At how many bytes a new chunk is sealed when it is the `count`-th: at most 16 times `chunkBytes`. */
export function chunkBytesFor(chunkBytes: number, count: number): number {
  const doublings = Math.min(doublingsMax, Math.max(0, count - chunksBeforeDoubling))
  return chunkBytes * 2 ** doublings
}
