import type { FileSystem } from '@varve/pack/fs'
import { SegmentWriter } from '@varve/pack/pack'
import { type SegmentPlace, syncRootFolder } from '../job/index.ts'
import type { SweepSink } from '../sweep/index.ts'

export interface NewSegmentsOptions {
  readonly fs: FileSystem
  readonly dir: string
  readonly storeId: Buffer
  readonly nextNumber: () => number
  /** 16 random bytes. */
  readonly newNonce: () => Buffer
  /** Makes the names of sealed files durable. Default: as in the folder of a store that is written to. */
  readonly syncFolder?: (fs: FileSystem, dir: string) => Promise<void>
}

/**
 * The new generation as it grows: the sweep's segments and those of each catch-up round. A round that copies
 * nothing makes no file.
 */
export class NewSegments implements SweepSink {
  readonly #o: NewSegmentsOptions
  readonly #done: SegmentPlace[] = []
  #writer: SegmentWriter | undefined
  #bytesAdded = 0

  constructor(options: NewSegmentsOptions) {
    this.#o = options
  }

  /** Synced, in the order in which they were made. */
  get done(): readonly SegmentPlace[] {
    return this.#done
  }

  /** Memory in use. */
  get bytes(): number {
    return this.#writer?.bytes ?? 0
  }

  /** Bytes of records taken in since the start. */
  get bytesAdded(): number {
    return this.#bytesAdded
  }

  addRun(virtualStart: number, source: Buffer, start: number, length: number): void {
    if (this.#writer === undefined) {
      const { fs, dir: folder, storeId, nextNumber, newNonce } = this.#o
      this.#writer = new SegmentWriter({ fs, folder, storeId, nextNumber, newNonce })
    }
    this.#writer.addRun(virtualStart, source, start, length)
    this.#bytesAdded += length
  }

  /** Held for its age: only where something was copied, as such an object always is. */
  addTouched(offset: number, timeMs: number): void {
    this.#writer?.addTouched(offset, timeMs)
  }

  async drain(): Promise<void> {
    if (this.#writer === undefined) return
    await this.#writer.drain()
  }

  /** Writes and syncs what was taken in since the last call, and the folder. False: there was nothing. */
  async seal(): Promise<boolean> {
    const writer = this.#writer
    if (writer === undefined) return false
    for (const info of await writer.finish()) this.#done.push(info)
    this.#writer = undefined
    await (this.#o.syncFolder ?? syncRootFolder)(this.#o.fs, this.#o.dir)
    return true
  }

  /** Forgets what was taken in since the last `seal`, with its files. */
  async discard(): Promise<void> {
    const writer = this.#writer
    this.#writer = undefined
    await writer?.abort()
  }
}
