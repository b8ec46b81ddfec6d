/** What is appended is written once it is more than this, also if nobody waits for it. */
export const writtenAheadBytes: number = 512 * 1024

/** While more than this is appended and not written, writers wait: it bounds the memory of the log's tail. */
export const unwrittenBytesDefault: number = 2 * 1024 * 1024
