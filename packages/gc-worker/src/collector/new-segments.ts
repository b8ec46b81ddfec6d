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
 * The new generation as it grows: the sweep's segments and those of each catch-up round. What is lifted goes
 * into segments of its own, which the volume being written gets too. A round that copies nothing makes no
 * file.
 */
export class NewSegments implements SweepSink {
  readonly #o: NewSegmentsOptions
  readonly #done: SegmentPlace[] = []
  readonly #lifted: SegmentPlace[] = []
  #writer: SegmentWriter | undefined
  #liftedWriter: SegmentWriter | undefined
  #bytesAdded = 0

  constructor(options: NewSegmentsOptions) {
    this.#o = options
  }

  /** Synced, in the order in which they were made. */
  get done(): readonly SegmentPlace[] {
    return this.#done
  }

  /** Those among them that a volume needs too. */
  get lifted(): readonly SegmentPlace[] {
    return this.#lifted
  }

  /** Memory in use. */
  get bytes(): number {
    return (this.#writer?.bytes ?? 0) + (this.#liftedWriter?.bytes ?? 0)
  }

  /** Bytes of records taken in since the start. */
  get bytesAdded(): number {
    return this.#bytesAdded
  }

  addRun(virtualStart: number, source: Buffer, start: number, length: number, isLifted: boolean): void {
    const writer = isLifted ? this.#forLifted() : this.#forKept()
    writer.addRun(virtualStart, source, start, length)
    this.#bytesAdded += length
  }

  /** Held for its age: only where something was copied, as such an object always is. */
  addTouched(offset: number, timeMs: number): void {
    const writer = this.#writer ?? this.#liftedWriter
    writer?.addTouched(offset, timeMs)
  }

  async drain(): Promise<void> {
    await this.#writer?.drain()
    await this.#liftedWriter?.drain()
  }

  /** Writes and syncs what was taken in since the last call, and the folder. False: there was nothing. */
  async seal(): Promise<boolean> {
    if (this.#writer === undefined && this.#liftedWriter === undefined) return false
    if (this.#writer !== undefined) this.#done.push(...(await this.#writer.finish()))
    this.#writer = undefined
    if (this.#liftedWriter !== undefined) {
      const infos = await this.#liftedWriter.finish()
      this.#done.push(...infos)
      this.#lifted.push(...infos)
    }
    this.#liftedWriter = undefined
    await (this.#o.syncFolder ?? syncRootFolder)(this.#o.fs, this.#o.dir)
    return true
  }

  /** Forgets what was taken in since the last `seal`, with its files. */
  async discard(): Promise<void> {
    const writers = [this.#writer, this.#liftedWriter]
    this.#writer = undefined
    this.#liftedWriter = undefined
    for (const writer of writers) await writer?.abort()
  }

  #forKept(): SegmentWriter {
    this.#writer ??= this.#newWriter()
    return this.#writer
  }

  #forLifted(): SegmentWriter {
    this.#liftedWriter ??= this.#newWriter()
    return this.#liftedWriter
  }

  #newWriter(): SegmentWriter {
    const { fs, dir: folder, storeId, nextNumber, newNonce } = this.#o
    return new SegmentWriter({ fs, folder, storeId, nextNumber, newNonce })
  }
}
