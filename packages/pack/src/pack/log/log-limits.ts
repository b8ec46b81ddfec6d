/** A new chunk's size at which it is sealed, while there are few: it bounds what one index covers. */
export const chunkBytesDefault: number = 64 * 1024 * 1024

/** A chunk is also sealed at this many records: it bounds the table of the open chunk. */
export const chunkRecordsMax: number = 2 ** 20

/** What is appended is written once it is more than this, also if nobody waits for it. */
export const writtenAheadBytes: number = 512 * 1024

/** While more than this is appended and not written, writers wait: it bounds the memory of the log's tail. */
export const unwrittenBytesDefault: number = 2 * 1024 * 1024

/**
 * Written and not synced: then a sync begins that nobody asked for, so that whoever asks, and the change to
 * the next chunk, finds little left to wait for.
 */
export const unsyncedBytesMax: number = 8 * 1024 * 1024

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
