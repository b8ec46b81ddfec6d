/**
 * The files of a store that somebody else may be writing, opened only to read. What they say is that of one
 * moment until `install` puts the next view in its place, all at once. Every file that control names is held
 * open from then on, so that it can be read for as long as anybody likes, also after the writer has unlinked
 * it.
 *
 *     readNext    control, then what it names and the view lacks     a file that is gone: control again
 *     install     index, address space                                nobody sees one without the other
 */
import { VarveError } from '@varve/pack/errors'
import { type FileSystem, hasCode } from '@varve/pack/fs'
import { fileName } from '@varve/pack/layout'
import {
  type AddressSpace,
  type BlockCache,
  type ControlState,
  type FileRetirer,
  type LowerFiles,
  readControl,
  ScanMemory,
  type Segment,
} from '@varve/pack/pack'
import type { FileSize, FilesView } from '../file-set/index.ts'
import type { HashIndex } from '../hash-index/index.ts'
import type { LogPiece } from './log-piece.ts'
import { type FollowedChunk, type NextView, openNextView } from './next-view.ts'

export type { NextView } from './next-view.ts'

/**
 * How often control is read again because a file that it named was gone: each time a collection came between.
 */
const ATTEMPTS_MAX = 64

export interface FollowedFilesParts {
  readonly fs: FileSystem
  /** The real path. */
  readonly folder: string
  readonly cache: BlockCache
  readonly retirer: FileRetirer
  readonly index: HashIndex
  readonly lowerOf: (control: ControlState) => LowerFiles | undefined
  readonly newSeed: () => number
  /** Told of an index that could not be used: one in memory stands in for it. */
  readonly onRebuilt: (file: string, reason: string) => void
  /** Told of one damaged copy of control, and of ranges of the log. */
  readonly onDamage: (file: string, offset: number, bytes: number) => void
}

export class FollowedFiles implements FilesView {
  readonly instance: object = {}
  readonly index: HashIndex
  readonly #parts: FollowedFilesParts
  readonly #memory = new ScanMemory()
  #view: NextView | undefined
  #isClosed = false

  constructor(parts: FollowedFilesParts) {
    this.#parts = parts
    this.index = parts.index
  }

  get control(): ControlState {
    return this.#present().control
  }

  get space(): AddressSpace {
    if (this.#isClosed) throw new VarveError('STORE_CLOSED', {})
    return this.#present().space
  }

  get segments(): readonly Segment[] {
    return [...this.#present().segments.values()]
  }

  get epoch(): number {
    return this.#present().space.epoch
  }

  /** How far the log has been read; 0 before the first view. */
  get end(): number {
    return this.#view?.space.end ?? 0
  }

  /** Of the moment at which they were read. */
  controlFiles(): readonly FileSize[] {
    return this.#present().controlFiles
  }

  /**
   * The next view, for `install` or `release`; `undefined`: there is nothing new.
   * @throws NO_STORE, CORRUPT, NEWER_FORMAT, ABORTED, and what the file system throws
   */
  async readNext(signal?: AbortSignal): Promise<NextView | undefined> {
    let missedBy: number | undefined
    for (let attempt = 1; ; attempt++) {
      const control = await this.#readControl()
      try {
        return await this.#open(control, signal)
      } catch (error) {
        // The same control a second time: no collection has come between, the file is missing.
        const isFinal = attempt === ATTEMPTS_MAX || missedBy === control.sequence
        if (isFinal || !isMissing(error)) throw error
        missedBy = control.sequence
      }
    }
  }

  /** Puts it in the place of the present one. The index, the space, and the ends of files change as one. */
  install(next: NextView): void {
    const before = this.#view
    this.#addPieces(next)
    this.#replaceIndexes(next, before)
    for (const { chunk, error } of next.lost) this.index.noteLost(chunk, error)
    this.#view = next
    before?.space.release()
  }

  /** Lets go of a view that was not installed. */
  release(next: NextView): void {
    for (const index of [...next.segmentIndexes, ...next.chunkIndexes]) index.release()
    next.space.release()
  }

  /** Lets go of every file; the background closes those that nobody else uses. */
  close(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    for (const index of this.index.files()) index.release()
    this.#view?.space.release()
  }

  async #readControl(): Promise<ControlState> {
    const { fs, folder, onDamage } = this.#parts
    const { state, wholeCopies } = await readControl(fs, folder)
    if (wholeCopies < 2) onDamage(fileName.control, 0, 0)
    const known = this.#view?.control
    if (known === undefined) return state
    if (state.storeId !== known.storeId) throw replaced('another store')
    if (state.sequence < known.sequence) throw replaced('an older state of the store')
    return state
  }

  async #open(control: ControlState, signal: AbortSignal | undefined): Promise<NextView | undefined> {
    const { fs, folder, cache, retirer, lowerOf } = this.#parts
    const storeId = Buffer.from(control.storeId, 'hex')
    const { instance } = this
    const parts = { fs, folder, storeId, cache, retirer, instance, memory: this.#memory, lowerOf, signal }
    const chunks = this.#view?.chunks ?? new Map<number, FollowedChunk>()
    const segments = this.#view?.segments ?? new Map<number, Segment>()
    const next = await openNextView(parts, { chunks, segments, end: this.end }, control)
    for (const { number, base, damage } of next.pieces) {
      for (const { start, end } of damage) {
        this.#parts.onDamage(fileName.chunk(number), start - base, end - start)
      }
    }
    for (const { file, reason } of next.damagedIndexes) this.#parts.onRebuilt(file, reason)
    if (this.#isNew(next)) return next
    this.release(next)
    return undefined
  }

  #isNew(next: NextView): boolean {
    if (next.control.sequence !== this.#view?.control.sequence || next.chunkIndexes.length > 0) return true
    return next.pieces.some(({ number, position }) => {
      return position.end > (this.#view?.chunks.get(number)?.position?.end ?? 0)
    })
  }

  #addPieces(next: NextView): void {
    const tables = new Set(this.#view === undefined ? [] : tablesOf(this.#view))
    for (const [number, { chunk, position }] of next.chunks) {
      if (position === undefined) continue
      if (!tables.has(number)) this.index.beginTable(number, chunk.base, this.#parts.newSeed())
      const piece = next.pieces.find((each: LogPiece) => each.number === number)
      if (piece !== undefined) this.index.addAll(piece.objects)
      if (chunk.file.isGrowing) chunk.file.grow(position.end - chunk.base)
    }
    for (const { number, length } of next.control.chunks) {
      if (length !== null) next.chunks.get(number)?.chunk.file.stopGrowing()
    }
  }

  #replaceIndexes(next: NextView, before: NextView | undefined): void {
    const gone = new Set<number>()
    for (const number of before?.chunks.keys() ?? []) if (!next.chunks.has(number)) gone.add(number)
    for (const number of before?.segments.keys() ?? []) if (!next.segments.has(number)) gone.add(number)
    const dropped = this.index.replace({ gone, added: next.segmentIndexes })
    for (const index of dropped) index.release()
    for (const index of next.chunkIndexes) this.index.attach(index)
  }

  #present(): NextView {
    if (this.#view === undefined) throw new VarveError('STORE_CLOSED', {})
    return this.#view
  }
}

/** Numbers of the chunks whose objects are in tables. */
function tablesOf(view: NextView): number[] {
  return [...view.chunks].filter(([, { position }]) => position !== undefined).map(([number]) => number)
}

/** Whether a file was not there that control names. */
function isMissing(error: unknown): boolean {
  if (hasCode(error, 'ENOENT')) return true
  return VarveError.is(error, 'CORRUPT') && isMissing(error.cause)
}

function replaced(by: string): VarveError<'CORRUPT'> {
  const message = `${by} is in the place of the store that was opened: open it again`
  return new VarveError('CORRUPT', { file: fileName.control, offset: 0 }, { message })
}
