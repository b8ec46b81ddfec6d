import type { FileHandle } from '@varve/pack/fs'
import { fileName, magic } from '@varve/pack/layout'
import { type IndexKind, indexKindOf, type RawHash, type RecordKind, readHash } from '@varve/pack/objects'
import {
  AddressSpace,
  BlockCache,
  Chunk,
  encodePackHeader,
  encodeRecord,
  FileRetirer,
  IndexBuilder,
  IndexFile,
  PackFile,
  packHeaderSize,
  RecordReader,
  recordSize,
} from '@varve/pack/pack'
import { flipBit, MemoryFileSystem } from '@varve/pack/testing'
import { HashIndex } from '../hash-index.ts'

export const chunksFolder = '/chunks'
export const chunksStoreId: Buffer = Buffer.from('0123456789abcdef', 'latin1')
/** Chunk n begins at n times this virtual offset. */
const chunkSpan = 1 << 24
const damagedByte = 50

interface KnownRecord {
  readonly kind: IndexKind
  readonly hash: RawHash
  readonly offset: number
  readonly size: number
}

interface KnownChunk {
  readonly number: number
  readonly handle: FileHandle
  readonly records: KnownRecord[]
}

/**
 * Records in chunk files on a disk in memory, put there without a log, and the index over them: as much of a
 * store as look-ups and reads need. Hashes are the test's to choose.
 */
export class RecordChunks {
  readonly disk: MemoryFileSystem = new MemoryFileSystem()
  readonly cache: BlockCache = new BlockCache({ bytesMax: 1 << 22 })
  readonly retirer: FileRetirer = new FileRetirer(this.disk, (path, error) => {
    throw new Error(`cannot dispose of ${path}`, { cause: error })
  })
  readonly records: RecordReader = new RecordReader(this.cache, () => this.space)
  readonly index: HashIndex = new HashIndex(this.records)
  readonly #seed: number
  readonly #known: KnownChunk[] = []
  #space = this.#spaceOf([])

  private constructor(seed: number) {
    this.#seed = seed
  }

  /** With one open chunk, whose number is 1. */
  static async create(o: { readonly seed?: number } = {}): Promise<RecordChunks> {
    const chunks = new RecordChunks(o.seed ?? 1)
    await chunks.disk.mkdir(chunksFolder)
    await chunks.begin()
    return chunks
  }

  get space(): AddressSpace {
    return this.#space
  }

  /** Begins another chunk: the one before it waits for its index. Gives its number. */
  async begin(): Promise<number> {
    const number = (this.#known.at(-1)?.number ?? 0) + 1
    const base = number * chunkSpan
    const header = { number, base, nonce: Buffer.alloc(16, number), storeId: chunksStoreId }
    const handle = await this.disk.open(`${chunksFolder}/${fileName.chunk(number)}`, 'create')
    handle.writeSync(encodePackHeader(magic.chunk, header), 0, packHeaderSize, 0)
    this.#known.push({ number, handle, records: [] })
    this.#open(number, base, packHeaderSize)
    this.index.beginTable(number, base, this.#seed)
    return number
  }

  /** Appends a record to the open chunk and to its table; gives its virtual offset. */
  put(kind: RecordKind, hash: RawHash, body: Buffer = Buffer.from('body'), n = 0): number {
    const { file, base } = this.#space.chunks.at(-1) as Chunk
    const offset = base + file.end
    const bytes = Buffer.alloc(recordSize(body.length))
    encodeRecord(bytes, 0, offset, kind, 0, hash, n, body, 0, body.length)
    this.#chunk(undefined).handle.writeSync(bytes, 0, bytes.length, file.end)
    file.grow(file.end + bytes.length)
    const under = indexKindOf(kind) as IndexKind
    this.#chunk(undefined).records.push({ kind: under, hash, offset, size: bytes.length })
    this.index.add(under, hash, offset)
    return offset
  }

  /** Turns over a bit in the record's body, whether it was read before or not. */
  damage(offset: number): void {
    const { number, file, base } = this.#space.chunks.findLast((chunk) => chunk.base <= offset) as Chunk
    const { end } = file
    this.disk.damage(file.path, flipBit((offset - base + damagedByte) * 8))
    // With its last user the file's blocks go out of the cache.
    this.drop(number)
    this.#open(number, base, end)
  }

  /** The index file of a chunk, as if it had just been built. */
  indexFile(number: number): IndexFile {
    const { records } = this.#chunk(number)
    const builder = new IndexBuilder()
    for (const { kind, hash, offset, size } of records) {
      builder.add(kind, Buffer.from(hash, 'latin1'), 0, offset, size)
    }
    const { cache, retirer } = this
    const name = fileName.chunkIndex(number)
    const bytes = builder.encode({ number, storeId: chunksStoreId, packLength: packHeaderSize })
    const place = { folder: chunksFolder, name, number, storeId: chunksStoreId, cache, retirer }
    return IndexFile.ofBytes(bytes, place)
  }

  /** A collection has dropped the chunk: its offsets stand for nothing. Layers of the index stay. */
  drop(number: number): void {
    this.#install(this.#space.chunks.filter((chunk) => chunk.number !== number))
  }

  #open(number: number, base: number, growsFrom: number): void {
    const place = { folder: chunksFolder, name: fileName.chunk(number), number, kind: 'pack' } as const
    const { cache, retirer } = this
    const file = PackFile.openSync(this.disk, { ...place, cache, retirer, growsFrom })
    const chunks = [...this.#space.chunks, new Chunk({ number, base, file })]
    this.#install(chunks.sort((a, b) => a.base - b.base))
    file.release()
  }

  #chunk(number: number | undefined): KnownChunk {
    const found = this.#known.find((chunk) => chunk.number === number) ?? this.#known.at(-1)
    return found as KnownChunk
  }

  #install(chunks: readonly Chunk[]): void {
    const before = this.#space
    this.#space = this.#spaceOf(chunks)
    before.release()
  }

  #spaceOf(chunks: readonly Chunk[]): AddressSpace {
    return new AddressSpace({ epoch: 0, instance: this, retire: 0, chunks, segments: [] })
  }
}

/** A hash that begins with these hexadecimal digits and goes on with the others. */
export function hashOf(start: string, rest = '0'): RawHash {
  return readHash(Buffer.from(start.padEnd(64, rest), 'hex'), 0)
}
