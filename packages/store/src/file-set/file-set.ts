/**
 * The open files of a store, and the only moments at which they change:
 *
 *     roll        the log seals its chunk and begins another          control, then the address space
 *     attach      a sealed chunk gets its index file                  nothing but the index
 *     switchOver  a collection puts a generation in place             control (the commit point), then the
 *     address space
 *
 * Control is replaced under one lock, after a look that it is still ours; a failure leaves the writer failed
 * and everything on disk as it was. Belongs to the one writer.
 */
import { Mutex } from '@varve/pack/base'
import { VarveError } from '@varve/pack/errors'
import type { FileSystem } from '@varve/pack/fs'
import { rawToHex } from '@varve/pack/objects'
import {
  AddressSpace,
  type Chunk,
  type ChunkRoll,
  type ControlState,
  type ControlVolume,
  type GrowingFile,
  type IndexFile,
  type LowerSpace,
  readControl,
  replaceControl,
  type Segment,
} from '@varve/pack/pack'
import type { HashIndex } from '../hash-index/index.ts'
import { type FileSize, type FilesView, namesBesidePacks } from './files-view.ts'

export interface FileSetParts {
  readonly fs: FileSystem
  readonly folder: string
  readonly control: ControlState
  readonly chunks: readonly Chunk[]
  readonly segments: readonly Segment[]
  readonly index: HashIndex
  /** The lower layer, if the store has one and it is to be read. */
  readonly lower: LowerSpace | undefined
  /** Opens the chunk that the log has just begun. */
  readonly openChunk: (opened: { readonly number: number; readonly base: number }) => Chunk
  /** @throws LOCK_LOST when the lock is no longer this writer's. */
  readonly verifyLock: () => Promise<void>
}

/** What a collection puts in place of everything below the new boundary. */
export interface Generation {
  readonly retire: number
  readonly segments: readonly Segment[]
  readonly indexes: readonly IndexFile[]
  readonly checkpoint: { readonly number: number; readonly position: number }
  /** Raw hash. */
  readonly target: { readonly hash: string; readonly offset: number } | undefined
  readonly retireTime: number
  /** The volume that holds now what has gone from the upper layer. */
  readonly volume: ControlVolume | undefined
}

export interface SwitchOptions {
  /** Whether the old files are deleted once nobody reads from them; else the next opening deletes them. */
  readonly unlink: boolean
  /** Times what the caller's thread has to do at once. */
  readonly stalls: { section<T>(work: () => T): T }
}

export class FileSet implements FilesView {
  readonly instance: object = {}
  readonly index: HashIndex
  readonly #parts: FileSetParts
  readonly #controlLock = new Mutex()
  #control: ControlState
  #space: AddressSpace
  #segments: readonly Segment[]
  #fileCounter: number
  #isClosed = false

  constructor(parts: FileSetParts) {
    this.#parts = parts
    this.index = parts.index
    this.#control = parts.control
    this.#fileCounter = parts.control.fileCounter
    this.#segments = parts.segments
    this.#space = this.#spaceOf(parts.control, parts.chunks, parts.segments)
    // From here on the address space uses the files; whoever opened them does not.
    for (const chunk of parts.chunks) chunk.file.release()
    for (const segment of parts.segments) segment.release()
  }

  get control(): ControlState {
    return this.#control
  }

  /** @throws STORE_CLOSED, so that a handle which outlives its store cannot read through it */
  get space(): AddressSpace {
    if (this.#isClosed) throw new VarveError('STORE_CLOSED', {})
    return this.#space
  }

  get segments(): readonly Segment[] {
    return this.#segments
  }

  get epoch(): number {
    // Not control's: between its replacement and the new space an offset found still belongs to the old one.
    return this.#space.epoch
  }

  /** The folder of the lower layer, absolute, of a store that has one. */
  get lowerPath(): string | undefined {
    return this.#control.volumes.length === 0 ? undefined : this.#parts.lower?.path
  }

  /** @throws LOWER_UNAVAILABLE, CORRUPT when the volume that is written to cannot be */
  assertLowerThere(): void {
    const last = this.#control.volumes.at(-1)
    if (last !== undefined) this.#parts.lower?.volume(last).assertThere()
  }

  controlFiles(): FileSize[] {
    return namesBesidePacks(this.#control).map((name) => ({ name, bytes: this.#sizeOf(name) }))
  }

  /** A number that no file of this store has had. */
  nextFileNumber(): number {
    this.#fileCounter++
    return this.#fileCounter
  }

  /** A range of numbers for a worker: [from, to). */
  reserveFileNumbers(count: number): { readonly from: number; readonly to: number } {
    const from = this.#fileCounter + 1
    this.#fileCounter += count
    return { from, to: from + count }
  }

  /** Control says of all numbers given out so far that they are. @throws LOCK_LOST and what the disk says */
  async recordFileNumbers(): Promise<void> {
    if (this.#control.fileCounter < this.#fileCounter) await this.#replace((control) => control)
  }

  /** The log has begun a new chunk. */
  async roll(change: ChunkRoll): Promise<GrowingFile> {
    await this.#replace((control) => ({
      ...control,
      chunks: [
        ...control.chunks.map((chunk) =>
          chunk.number === change.sealed.number ? { ...chunk, length: change.sealed.length } : chunk,
        ),
        { number: change.opened.number, base: change.opened.base, length: null },
      ],
    }))
    const opened = this.#parts.openChunk(change.opened)
    const before = this.#space
    this.#space = this.#spaceOf(this.#control, [...before.chunks, opened], this.#segments)
    before.release()
    opened.file.release()
    return opened.file
  }

  /** Replaces control (after which the collection has happened) and installs the generation. */
  async switchOver(generation: Generation, o: SwitchOptions): Promise<void> {
    await this.#replace((control) => o.stalls.section(() => withGeneration(control, generation)))
    o.stalls.section(() => this.#install(generation, o.unlink))
  }

  /** The next archive goes into this new, empty volume. */
  async addVolume(volume: ControlVolume): Promise<void> {
    await this.#replace((control) => ({ ...control, volumes: [...control.volumes, volume] }))
    const before = this.#space
    this.#space = this.#spaceOf(this.#control, before.chunks, this.#segments)
    before.release()
  }

  #install(generation: Generation, unlink: boolean): void {
    const before = this.#space
    const kept = before.chunks.filter((chunk) => chunk.base >= generation.retire)
    const retired = before.chunks.filter((chunk) => chunk.base < generation.retire)
    const gone = new Set([...retired, ...this.#segments].map((file) => file.number))
    const indexes = this.index.replace({ gone, added: generation.indexes })
    this.#space = this.#spaceOf(this.#control, kept, generation.segments)
    for (const segment of generation.segments) segment.release()
    if (unlink) {
      for (const chunk of retired) chunk.file.retire()
      for (const file of [...this.#segments, ...indexes]) file.retire()
    }
    for (const index of indexes) index.release()
    this.#segments = generation.segments
    before.release()
  }

  /**
   * Lets go of every file; the background closes those that nobody else uses. A replacement of control under
   * way is waited for, and none begins any more: the next writer may be there already.
   */
  close(): Promise<void> {
    return this.#controlLock.run(async () => {
      this.#isClosed = true
      for (const index of this.index.files()) index.release()
      this.#space.release()
      this.#parts.lower?.close()
    })
  }

  /**
   * Replaces control with what `change` makes of it; one at a time.
   * @throws STORE_CLOSED, LOCK_LOST, and what the disk says
   */
  async #replace(change: (control: ControlState) => ControlState): Promise<void> {
    await this.#controlLock.run(async () => {
      if (this.#isClosed) throw new VarveError('STORE_CLOSED', {})
      await this.#assertStillOurs()
      const next = {
        ...change(this.#control),
        sequence: this.#control.sequence + 1,
        fileCounter: this.#fileCounter,
      }
      await replaceControl(this.#parts.fs, this.#parts.folder, next)
      this.#control = next
    })
  }

  #sizeOf(name: string): number {
    const handle = this.#parts.fs.openSync(`${this.#parts.folder}/${name}`, 'read')
    try {
      return handle.sizeSync()
    } finally {
      handle.closeSync()
    }
  }

  async #assertStillOurs(): Promise<void> {
    await this.#parts.verifyLock()
    const { state: found } = await readControl(this.#parts.fs, this.#parts.folder)
    if (found.writerTerm !== this.#control.writerTerm || found.sequence !== this.#control.sequence) {
      throw new VarveError('LOCK_LOST', {})
    }
  }

  #spaceOf(control: ControlState, chunks: readonly Chunk[], segments: readonly Segment[]): AddressSpace {
    const { epoch, retire, volumes } = control
    const lower = volumes.length === 0 ? undefined : this.#parts.lower?.view(volumes)
    return new AddressSpace({
      epoch,
      instance: this.instance,
      retire,
      chunks: [...chunks],
      segments: [...segments],
      lower,
    })
  }
}

function withGeneration(control: ControlState, generation: Generation): ControlState {
  return {
    ...control,
    epoch: control.epoch + 1,
    retire: generation.retire,
    retireTime: generation.retireTime,
    chunks: control.chunks.filter((chunk) => chunk.base >= generation.retire),
    segments: generation.segments.map((segment) => segment.info),
    checkpoint: generation.checkpoint,
    target: targetOf(generation) ?? control.target,
    volumes: volumesWith(control.volumes, generation.volume),
  }
}

/** It takes the place of the one with its id, which is the last. */
function volumesWith(
  volumes: readonly ControlVolume[],
  next: ControlVolume | undefined,
): readonly ControlVolume[] {
  return next === undefined ? volumes : [...volumes.filter(({ id }) => id !== next.id), next]
}

function targetOf(generation: Generation): ControlState['target'] {
  const { target } = generation
  return target === undefined ? null : { hash: rawToHex(target.hash), offset: target.offset }
}
