/**
 * An open file. Every transfer names its position; there is no cursor.
 *
 * The asynchronous calls run on other threads: the buffer is theirs until the promise settles.
 */
export interface FileHandle {
  /** Reads into target[targetStart …]; fewer than `length` bytes only when the file ends there. */
  readSync(target: Buffer, targetStart: number, length: number, position: number): number
  read(target: Buffer, targetStart: number, length: number, position: number): Promise<number>
  /**
   * Writes from source[sourceStart …]; may write fewer than `length` bytes, at least one: see `writeFully`.
   */
  writeSync(source: Buffer, sourceStart: number, length: number, position: number): number
  write(source: Buffer, sourceStart: number, length: number, position: number): Promise<number>
  /**
   * Makes the bytes and the size durable. After a failure nothing is known of what was written since the last
   * one.
   */
  datasync(): Promise<void>
  /** The same, with the file's times and rights. */
  sync(): Promise<void>
  /** A longer size fills up with zeros. */
  truncate(size: number): Promise<void>
  size(): Promise<number>
  sizeSync(): number
  /** Waits for the calls under way. Closing again does nothing. */
  close(): Promise<void>
  /** Only when no call is under way. Closing again does nothing. */
  closeSync(): void
}
