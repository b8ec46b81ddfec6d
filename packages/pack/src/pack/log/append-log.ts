import { assert, Deferred, Mutex } from '../../base/index.ts'
import { VarveError } from '../../errors/index.ts'
import type { RawHash } from '../../objects/index.ts'
import { openChunkFile } from '../frame/index.ts'
import type { AppendLogOptions } from './append-log-options.ts'
import { ChunkBound } from './chunk-bound.ts'
import * as limits from './log-limits.ts'
import { beginNextChunk } from './next-chunk.ts'
import { OpenChunk } from './open-chunk.ts'
import { Watermark } from './watermark.ts'

/**
 * The writer's end of the log: records are appended synchronously and become durable in groups.
 *
 * One writer. Between a look at `isBlocked` and the `append`s that rely on it there must be no `await`; then
 * nothing (a collector's hold, the change to the next chunk) comes between them, and what is appended in one
 * such section after `keepTogether` lies in one batch.
 *
 * Three things run by themselves: writes, syncs (one at a time; whoever asks during one shares the next), and
 * the change to the next chunk, under the same lock as holds. A failed write or sync is final: the log has
 * *failed*, it never writes or syncs again, all who wait get WRITER_FAILED, and readers go on reading what
 * was appended.
 */
export class AppendLog {
  readonly #o: AppendLogOptions
  /** Held by a holder, or while the chunk changes: then nothing is appended. */
  readonly #lock = new Mutex()
  readonly #written: Watermark
  readonly #synced: Watermark
  readonly #bound: ChunkBound
  #chunk: OpenChunk
  #isSealDue = false
  #isClosing = false
  #failure: VarveError | undefined
  #unblocked: Deferred | undefined
  #backlogChanged: Deferred = new Deferred()
  #writing: Promise<void> | undefined
  #syncing: Promise<void> | undefined
  #sealing: Promise<void> | undefined
  #closing: Promise<void> | undefined

  private constructor(o: AppendLogOptions, chunk: OpenChunk) {
    this.#o = o
    this.#chunk = chunk
    this.#bound = new ChunkBound(o)
    this.#written = new Watermark(chunk.end)
    this.#synced = new Watermark(chunk.end)
  }

  /**
   * Goes on where the tail ends; if that chunk may not be appended to, it is sealed there and the next one
   * begun.
   * @throws CORRUPT, WRITER_FAILED, and what the file system throws
   */
  static async open(o: AppendLogOptions): Promise<AppendLog> {
    const expected = { number: o.tail.number, base: o.tail.base, storeId: o.storeId }
    const { handle } = await openChunkFile(o.fs, o.folder, expected, 'write')
    try {
      const { tail, cache, growing, clock } = o
      const log = new AppendLog(o, new OpenChunk({ tail, handle, cache, growing, clock }))
      if (o.tail.needsNewChunk) await log.#changeChunk()
      return log
    } catch (error) {
      await handle.close().catch(() => undefined)
      throw error
    }
  }

  /** Where the next record or the header of its batch goes. */
  get end(): number {
    return this.#chunk.end
  }

  /** Everything below is in the file, though a power cut may take it. */
  get writtenTo(): number {
    return this.#chunk.writtenTo
  }

  /** Everything below survives a power cut. */
  get syncedTo(): number {
    return this.#chunk.syncedTo
  }

  /** The chunk that is appended to. */
  get chunk(): { readonly number: number; readonly base: number; readonly recordCount: number } {
    return this.#chunk
  }

  /** Why the log writes no more. */
  get failure(): VarveError | undefined {
    return this.#failure
  }

  /** Whether appending must wait. Ask in the same section as you append. */
  get isBlocked(): boolean {
    return (
      this.#failure !== undefined ||
      this.#isClosing ||
      this.#isSealDue ||
      this.#lock.isHeld ||
      this.#chunk.unwrittenBytes > (this.#o.unwrittenBytesMax ?? limits.unwrittenBytesDefault)
    )
  }

  /**
   * Resolves when the log may have stopped being blocked; somebody else may have been faster, so ask again:
   * `while (log.isBlocked) await log.unblocked()`.
   * @throws WRITER_FAILED, LOCK_LOST, STORE_CLOSED
   */
  async unblocked(): Promise<void> {
    this.#checkOpen()
    if (!this.isBlocked) return
    this.#unblocked ??= new Deferred()
    await this.#unblocked.promise
  }

  /**
   * Appends a record whose body is bytes [start, end) of `body`, which are copied, and returns its virtual
   * offset: readable at once, durable after a `sync()`. More than the bounds is taken, so that a section
   * which found the log not blocked can finish; more than `unwrittenBytesMax` at a time is the caller's to
   * avoid.
   * @throws WRITER_FAILED, LOCK_LOST, STORE_CLOSED
   */
  append(
    kind: number,
    flags: number,
    hash: RawHash | undefined,
    referenceCount: number,
    body: Buffer,
    start: number,
    end: number,
  ): number {
    if (this.#failure !== undefined || this.#isClosing) this.#checkOpen()
    assert(!this.#lock.isHeld, 'nothing is appended while the log is held')
    const chunk = this.#chunk
    const offset = chunk.append(kind, flags, hash, referenceCount, body, start, end)
    if (chunk.unwrittenBytes > limits.writtenAheadBytes) this.#startWrites()
    if (this.#isChunkFull()) this.#startSeal()
    return offset
  }

  /**
   * The records appended next, without an `await` in between, of this many bytes in all (see `recordSize`, at
   * most 8 MiB less 72), lie in one batch: a crash takes all of them or none.
   */
  keepTogether(bytes: number): void {
    this.#chunk.keepTogether(bytes)
  }

  /**
   * Everything appended before this call is in the file: another process sees it, and a crash of this one
   * spares it.
   * @throws WRITER_FAILED, LOCK_LOST, STORE_CLOSED
   */
  async write(): Promise<void> {
    this.#checkOpen()
    await this.#reachWritten(this.#chunk.end)
  }

  /**
   * Everything appended before this call survives a power cut.
   * @throws WRITER_FAILED, LOCK_LOST, STORE_CLOSED
   */
  async sync(): Promise<void> {
    this.#checkOpen()
    await this.#reachSynced(this.#chunk.end)
  }

  /**
   * Resolves to the function that lets appending go on. Until then nothing is appended, no chunk is changed,
   * and `write` and `sync` work. A holder must call neither `seal` nor `close`: they wait for it.
   * @throws WRITER_FAILED, LOCK_LOST, STORE_CLOSED
   */
  async hold(): Promise<() => void> {
    const release = await this.#lockOpen()
    return () => {
      release()
      this.#wakeBlocked()
    }
  }

  /**
   * Syncs the open chunk to its end and begins the next one; without any batch in it, nothing happens. Waits
   * while two chunks wait for an index. If the new file cannot be created, only this call fails, with what
   * the file system threw.
   * @throws WRITER_FAILED, LOCK_LOST, STORE_CLOSED
   */
  async seal(): Promise<void> {
    await this.#sealIf(() => !this.#chunk.isEmpty)
  }

  /** The index of a sealed chunk is ready, so that the next chunk may be sealed. */
  wake(): void {
    this.#backlogChanged.resolve()
    this.#backlogChanged = new Deferred()
  }

  /**
   * Fails the log because of what happened elsewhere: control or the folder could not be replaced or synced,
   * the lock was lost. The first call decides; returns the error that everybody gets from now on.
   */
  fail(cause: unknown, file: string): VarveError {
    if (this.#failure !== undefined) return this.#failure
    const isTold = VarveError.is(cause, 'LOCK_LOST') || VarveError.is(cause, 'WRITER_FAILED')
    const failure = isTold ? cause : new VarveError('WRITER_FAILED', { file }, { cause })
    this.#failure = failure
    this.#chunk.stop()
    this.#written.fail(failure)
    this.#synced.fail(failure)
    this.#wakeBlocked()
    this.wake()
    this.#o.onFailed(failure)
    return failure
  }

  /**
   * Waits for holder and seal, syncs, and ends the log with the empty batch that says so. A log that has
   * failed writes nothing. Closing again gives the same promise.
   * @throws WRITER_FAILED when it fails only now
   */
  close(): Promise<void> {
    this.#closing ??= this.#closeOnce()
    return this.#closing
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  async #closeOnce(): Promise<void> {
    const failedBefore = this.#failure !== undefined
    this.#isClosing = true
    this.#wakeBlocked()
    this.wake()
    const release = await this.#lock.acquire()
    try {
      if (this.#failure === undefined) await this.#writeClosingBatch()
    } catch (error) {
      this.fail(error, this.#chunk.file)
    }
    await this.#writing
    await this.#syncing
    await this.#chunk.release().catch((error: unknown) => this.fail(error, this.#chunk.file))
    release()
    await this.#sealing
    if (this.#failure !== undefined && !failedBefore) throw this.#failure
  }

  async #writeClosingBatch(): Promise<void> {
    await this.#reachSynced(this.#chunk.end)
    this.#chunk.appendClosingBatch()
    await this.#reachSynced(this.#chunk.end)
  }

  #reachWritten(target: number): Promise<void> {
    const reached = this.#written.reached(target)
    if (this.#written.isAwaited) this.#startWrites()
    return reached
  }

  #reachSynced(target: number): Promise<void> {
    const reached = this.#synced.reached(target)
    if (this.#synced.isAwaited) this.#startSyncs()
    return reached
  }

  #startWrites(): void {
    this.#writing ??= this.#runWrites()
  }

  #startSyncs(): void {
    this.#syncing ??= this.#runSyncs()
  }

  /** All who ask within one turn share a batch, as the first `await` lets them. */
  async #runWrites(): Promise<void> {
    await undefined
    const chunk = this.#chunk
    try {
      while (
        this.#failure === undefined &&
        (this.#written.isAwaited || chunk.unwrittenBytes > limits.writtenAheadBytes)
      ) {
        await chunk.write()
        this.#written.rise(chunk.writtenTo)
        this.#wakeBlocked()
        if (chunk.unsyncedBytes > limits.unsyncedBytesMax) this.#startSyncs()
      }
    } catch (error) {
      this.fail(error, chunk.file)
    }
    this.#writing = undefined
  }

  async #runSyncs(): Promise<void> {
    await undefined
    const chunk = this.#chunk
    try {
      for (;;) {
        if (this.#synced.isAwaited) await this.#reachWritten(chunk.end)
        else if (chunk.unsyncedBytes <= limits.unsyncedBytesMax) break
        if (this.#failure !== undefined) break
        await chunk.sync()
        this.#synced.rise(chunk.syncedTo)
      }
    } catch (error) {
      this.fail(error, chunk.file)
    }
    this.#syncing = undefined
  }

  #startSeal(): void {
    this.#isSealDue = true
    this.#sealing ??= this.#sealByItself()
  }

  /** Nobody waits for this seal. Where only the new file could not be made it is tried again later. */
  async #sealByItself(): Promise<void> {
    // The section that filled the chunk still appends to it.
    await undefined
    try {
      await this.#sealIf(() => this.#isChunkFull())
    } catch (error) {
      const canWait = this.#failure === undefined && this.#bound.postpone(error)
      if (!canWait && !this.#isClosing) this.fail(error, this.#chunk.file)
    }
    this.#isSealDue = false
    this.#sealing = undefined
    this.#wakeBlocked()
  }

  #isChunkFull(): boolean {
    return this.#bound.isReached(this.#chunk)
  }

  async #sealIf(isDue: () => boolean): Promise<void> {
    const release = await this.#lockForSeal()
    try {
      if (!isDue()) return
      await this.#reachSynced(this.#chunk.end)
      await this.#changeChunk()
    } finally {
      release()
      this.#wakeBlocked()
    }
  }

  async #lockForSeal(): Promise<() => void> {
    for (;;) {
      const release = await this.#lockOpen()
      if (this.#o.indexBacklog() < limits.indexBacklogMax) return release
      const { promise } = this.#backlogChanged
      release()
      this.#wakeBlocked()
      await promise
    }
  }

  async #lockOpen(): Promise<() => void> {
    this.#checkOpen()
    const release = await this.#lock.acquire()
    try {
      this.#checkOpen()
    } catch (error) {
      release()
      throw error
    }
    return release
  }

  /** Under the lock, with everything synced. Until control is replaced the old chunk stays the one in use. */
  async #changeChunk(): Promise<void> {
    const sealed = this.#chunk
    this.#chunk = await beginNextChunk(this.#o, sealed, (cause, file) => this.fail(cause, file))
    this.#bound.begin()
    await sealed.release().catch((error: unknown) => this.fail(error, sealed.file))
  }

  /** Lets those who wait look again; with the reason when the log will never be unblocked. */
  #wakeBlocked(): void {
    const waiting = this.#unblocked
    if (waiting === undefined) return
    const reason = this.#reasonToRefuse()
    if (reason === undefined && this.isBlocked) return
    this.#unblocked = undefined
    if (reason === undefined) waiting.resolve()
    else waiting.reject(reason)
  }

  #checkOpen(): void {
    const reason = this.#reasonToRefuse()
    if (reason !== undefined) throw reason
  }

  #reasonToRefuse(): VarveError | undefined {
    if (this.#failure !== undefined) return this.#failure
    return this.#isClosing ? new VarveError('STORE_CLOSED', {}) : undefined
  }
}
