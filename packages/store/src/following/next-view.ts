/**
 * Opens what a control file names and the view does not have yet, and reads the log on from where the view
 * ends. Nothing of it is seen by anybody before the view installs it, all at once.
 */
import { nextTurn } from '@varve/pack/base'
import { throwIfAborted, VarveError } from '@varve/pack/errors'
import type { FileSystem } from '@varve/pack/fs'
import { fileName } from '@varve/pack/layout'
import {
  AddressSpace,
  type BlockCache,
  Chunk,
  type ControlChunk,
  type ControlState,
  entryOf,
  type FileRetirer,
  type IndexFile,
  type LogPosition,
  type LowerFiles,
  type MetaEntry,
  MetaState,
  openChunkFile,
  PackFile,
  type PackHeader,
  packHeaderSize,
  RecordReader,
  readCheckpoint,
  type ScanMemory,
  Segment,
} from '@varve/pack/pack'
import { type FileSize, namesBesidePacks } from '../file-set/index.ts'
import { checkpointDamaged, type LostRange, type MetadataDoubt } from '../opening/index.ts'
import { doubtOf, type LogPiece, readLogPiece } from './log-piece.ts'
import { findChunkIndex, type IndexStamp, openSegmentIndex } from './sealed-index.ts'

/** Metadata records read between two turns of the event loop. */
const RECORDS_PER_SLICE = 256

/** A chunk of the view. */
export interface FollowedChunk {
  readonly chunk: Chunk
  readonly header: PackHeader
  /** How far its log has been read; `undefined`: its index file says what is in it. */
  readonly position: LogPosition | undefined
  /** What its index file was when it could not be used: damaged, or not yet whole. */
  readonly triedIndex: IndexStamp | undefined
}

export interface ViewParts {
  readonly fs: FileSystem
  /** The real path. */
  readonly folder: string
  readonly storeId: Buffer
  readonly cache: BlockCache
  readonly retirer: FileRetirer
  readonly instance: object
  readonly memory: ScanMemory
  /** Asked before each file. */
  readonly signal: AbortSignal | undefined
  /** The volumes that a control names. */
  readonly lowerOf: (control: ControlState) => LowerFiles | undefined
}

/** What the view has already. */
export interface PresentView {
  /** How far the log has been read. */
  readonly end: number
  readonly chunks: ReadonlyMap<number, FollowedChunk>
  readonly segments: ReadonlyMap<number, Segment>
}

/** All of the view's next state; whoever does not install it releases it. */
export interface NextView {
  readonly control: ControlState
  readonly controlFiles: readonly FileSize[]
  readonly space: AddressSpace
  readonly chunks: ReadonlyMap<number, FollowedChunk>
  readonly segments: ReadonlyMap<number, Segment>
  /** Of the log, ascending. */
  readonly pieces: readonly LogPiece[]
  /** Of segments that are new, and of chunks that have been without, oldest first. */
  readonly segmentIndexes: readonly IndexFile[]
  readonly chunkIndexes: readonly IndexFile[]
  /**
   * What the checkpoint says, where a collection has taken a part of the log that the view has not read;
   * `undefined`: the view knows all that comes before the new records.
   */
  readonly checkpoint: MetaState | undefined
  /** Metadata records that are new to the view, in no order; some may lie below the checkpoint. */
  readonly metadata: readonly MetaEntry[]
  readonly doubts: readonly MetadataDoubt[]
  readonly lost: readonly LostRange[]
  /** Indexes that could not be used, with the reason. */
  readonly damagedIndexes: readonly { readonly file: string; readonly reason: string }[]
}

/** @throws CORRUPT, NEWER_FORMAT, ABORTED, and what the file system throws; then nothing stays open */
export async function openNextView(
  parts: ViewParts,
  present: PresentView,
  control: ControlState,
): Promise<NextView> {
  const opening = new Opening(parts, present, control)
  try {
    return await opening.run()
  } catch (error) {
    opening.release()
    throw error
  }
}

class Opening {
  readonly #parts: ViewParts
  readonly #present: PresentView
  readonly #control: ControlState
  readonly #opened: { release(): void }[] = []
  readonly #indexes: IndexFile[] = []
  readonly #chunks = new Map<number, FollowedChunk>()
  readonly #segments = new Map<number, Segment>()
  readonly #pieces: LogPiece[] = []
  readonly #segmentIndexes: IndexFile[] = []
  readonly #chunkIndexes: IndexFile[] = []
  readonly #metadata: MetaEntry[] = []
  readonly #doubts: MetadataDoubt[] = []
  readonly #lost: LostRange[] = []
  readonly #damagedIndexes: { readonly file: string; readonly reason: string }[] = []

  constructor(parts: ViewParts, present: PresentView, control: ControlState) {
    this.#parts = parts
    this.#present = present
    this.#control = control
  }

  async run(): Promise<NextView> {
    const { signal } = this.#parts
    for (const info of this.#control.segments) {
      throwIfAborted(signal)
      await this.#addSegment(info)
    }
    for (const chunk of this.#control.chunks) {
      throwIfAborted(signal)
      await this.#addChunk(chunk)
    }
    const checkpoint = await this.#readCheckpoint()
    const controlFiles = await this.#controlFiles()
    const space = this.#space()
    // From here on the address space uses the files; whoever opened them does not.
    for (const file of this.#opened.splice(0)) file.release()
    this.#opened.push(space)
    await this.#readMetadata(space)
    return {
      ...{ control: this.#control, controlFiles, space, chunks: this.#chunks, segments: this.#segments },
      ...{ pieces: this.#pieces, segmentIndexes: this.#segmentIndexes, chunkIndexes: this.#chunkIndexes },
      ...{ checkpoint, metadata: this.#metadata, doubts: this.#doubts, lost: this.#lost },
      damagedIndexes: this.#damagedIndexes,
    }
  }

  release(): void {
    for (const file of [...this.#opened, ...this.#indexes]) file.release()
  }

  /** The one place where the view's address space is made. */
  #space(): AddressSpace {
    const { epoch, retire } = this.#control
    return new AddressSpace({
      ...{ epoch, instance: this.#parts.instance, retire },
      chunks: [...this.#chunks.values()].map(({ chunk }) => chunk),
      segments: [...this.#segments.values()],
      lower: this.#parts.lowerOf(this.#control),
    })
  }

  async #addSegment(info: ControlState['segments'][number]): Promise<void> {
    const { fs, folder, storeId, cache, retirer } = this.#parts
    const known = this.#present.segments.get(info.number)
    if (known !== undefined) {
      this.#segments.set(info.number, known)
      return
    }
    const segment = await Segment.open(fs, { folder, info, storeId, cache, retirer })
    this.#opened.push(segment)
    const { index, damage } = await openSegmentIndex(fs, this.#parts, segment)
    this.#indexes.push(index)
    if (damage !== undefined) this.#damagedIndexes.push({ file: index.name, reason: damage })
    this.#segments.set(info.number, segment)
    this.#segmentIndexes.push(index)
  }

  async #addChunk(said: ControlChunk): Promise<void> {
    const { number, length } = said
    const known = this.#present.chunks.get(number)
    if (known === undefined) return this.#addNew(said)
    if (known.position === undefined) {
      this.#chunks.set(number, known)
      return
    }
    const { isAttached, tried } = await this.#attach(known, length)
    if (isAttached) this.#chunks.set(number, { ...known, position: undefined, triedIndex: undefined })
    else this.#chunks.set(number, await this.#readOn({ ...known, triedIndex: tried }, length))
  }

  /**
   * Puts the index file of a chunk that has been read by its log so far in the place of what was read; not
   * while there is something of its log to read.
   */
  async #attach(
    known: FollowedChunk,
    length: number | null,
  ): Promise<{ readonly isAttached: boolean; readonly tried: IndexStamp | undefined }> {
    const isRead = length !== null && known.position?.end === known.chunk.base + length
    if (!isRead) return { isAttached: false, tried: known.triedIndex }
    const { fs } = this.#parts
    const { index, tried } = await findChunkIndex(fs, this.#parts, known.chunk.number, known.triedIndex)
    if (index !== undefined) {
      this.#indexes.push(index)
      this.#chunkIndexes.push(index)
    }
    return { isAttached: index !== undefined, tried }
  }

  async #readOn(known: FollowedChunk, length: number | null): Promise<FollowedChunk> {
    const { base, file } = known.chunk
    const { position } = known
    if (length !== null && position !== undefined && position.end > base + length) {
      const message = `${file.name} ends before what was read of it: an older state of the store was put back`
      throw new VarveError('CORRUPT', { file: file.name, offset: length }, { message })
    }
    if (length !== null && position?.end === base + length) return known
    await this.#assertSameFile(file)
    const sealedLength = length ?? undefined
    const { memory } = this.#parts
    const piece = await readLogPiece({
      handle: file.handle,
      header: known.header,
      after: position,
      sealedLength,
      memory,
    })
    this.#take(piece)
    return { ...known, position: piece.position }
  }

  /**
   * A repair puts a file into the place of a damaged one, which the writer goes on with: the log has ended in
   * the one that is open here, and nothing in it would say so.
   */
  async #assertSameFile({ name, handle }: PackFile): Promise<void> {
    const { fs, folder } = this.#parts
    const { size } = (await fs.stat(`${folder}/${name}`)) ?? { size: 0 }
    const offset = handle.sizeSync()
    if (size <= offset) return
    const message = `${name} is another file than it was, put there by a repair: open the store again`
    throw new VarveError('CORRUPT', { file: name, offset }, { message })
  }

  async #addNew(said: ControlChunk): Promise<void> {
    const { number, base, length } = said
    const { header, file } = await this.#openFile(said)
    const chunk = new Chunk({ number, base, file })
    const found = length === null ? undefined : await findChunkIndex(this.#parts.fs, this.#parts, number)
    const unread = { chunk, header, position: undefined, triedIndex: found?.tried }
    if (found?.index === undefined) {
      this.#chunks.set(number, await this.#readOn(unread, length))
      return
    }
    const { index } = found
    this.#indexes.push(index)
    this.#chunkIndexes.push(index)
    this.#chunks.set(number, unread)
    if (length !== null && index.packLength < length) {
      const error = new VarveError('CORRUPT', { file: file.name, offset: index.packLength })
      this.#lost.push({ chunk: number, end: base + length, error })
      this.#doubts.push({ below: base + length, error })
    }
  }

  /** The header is proved first: another file under this name would be taken for damage record by record. */
  async #openFile(said: ControlChunk): Promise<{ readonly header: PackHeader; readonly file: PackFile }> {
    const { fs, folder, storeId, cache, retirer } = this.#parts
    const { number, length } = said
    const { handle, header } = await openChunkFile(fs, folder, { ...said, storeId }, 'read')
    await handle.close()
    const extent = length === null ? { growsFrom: packHeaderSize } : { length }
    const name = fileName.chunk(number)
    const file = await PackFile.open(fs, { folder, name, number, kind: 'pack', cache, retirer, ...extent })
    this.#opened.push(file)
    return { header, file }
  }

  #take(piece: LogPiece): void {
    this.#pieces.push(piece)
    this.#doubts.push(...piece.doubts)
    this.#lost.push(...piece.lost)
    this.#metadata.push(...piece.metadata)
  }

  /** Metadata of chunks that came with their indexes, out of the records that those name. */
  async #readMetadata(space: AddressSpace): Promise<void> {
    const records = new RecordReader(this.#parts.cache, () => space)
    const from = this.#control.checkpoint?.position ?? 0
    for (const index of this.#chunkIndexes) {
      // What has been read by its log so far has given its metadata then.
      if (this.#present.chunks.has(index.number)) continue
      const { base } = (this.#chunks.get(index.number) as FollowedChunk).chunk
      let left = RECORDS_PER_SLICE
      for (const offset of index.metadataOffsets()) {
        if (offset < from) continue
        this.#readEntry(records, { offset, number: index.number, base })
        if (--left > 0) continue
        left = RECORDS_PER_SLICE
        await nextTurn()
      }
    }
  }

  #readEntry(
    records: RecordReader,
    at: { readonly offset: number; readonly number: number; readonly base: number },
  ): void {
    try {
      const { buf, bodyStart, bodyEnd, referenceCount } = records.record(at.offset)
      this.#metadata.push(entryOf(Buffer.from(buf.subarray(bodyStart, bodyEnd)), referenceCount, at.offset))
    } catch (error) {
      if (!VarveError.is(error, 'CORRUPT')) throw error
      this.#doubts.push(doubtOf(at.number, at.base, at.offset))
    }
  }

  /** @throws CORRUPT when it is damaged or gone */
  async #readCheckpoint(): Promise<MetaState | undefined> {
    const { checkpoint } = this.#control
    if (checkpoint === null || checkpoint.position <= this.#present.end) return undefined
    const { fs, folder, storeId } = this.#parts
    const state = new MetaState()
    try {
      for await (const entry of readCheckpoint(fs, { folder, storeId, ...checkpoint })) state.put(entry)
      return state
    } catch (error) {
      throw VarveError.is(error, 'CORRUPT') ? checkpointDamaged(error) : error
    }
  }

  async #controlFiles(): Promise<FileSize[]> {
    const files: FileSize[] = []
    for (const name of namesBesidePacks(this.#control)) {
      const bytes = (await this.#parts.fs.stat(`${this.#parts.folder}/${name}`))?.size
      // The checkpoint is opened when it is read, and missed then.
      if (bytes !== undefined) files.push({ name, bytes })
    }
    return files
  }
}
