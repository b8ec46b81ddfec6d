import { FolderOpener, LazyDirectory } from '../../../fs/index.ts'
import { fileName, magic } from '../../../layout/index.ts'
import { type IndexKind, indexKind } from '../../../objects/index.ts'
import { FaultFileSystem, MemoryFileSystem, SeededRandom } from '../../../testing/index.ts'
import { BlockCache, FileRetirer, writeNewFile } from '../../blocks/index.ts'
import type { ControlVolume } from '../../control/index.ts'
import { encodePackHeader } from '../../frame/index.ts'
import { BloomFilter, hashWord, IndexBuilder } from '../../index/index.ts'
import { AddressSpace, type LowerCandidates, RecordReader } from '../../read/index.ts'
import { SegmentWriter } from '../../segment/index.ts'
import {
  firstOffset,
  makeRecords,
  type TestRecord,
  type TestRecords,
  testStoreId,
} from '../../testing/packed-records.ts'
import { type PackFilter, writeFilters } from '../filter-file.ts'
import { LowerSpace, type LowerSpaceOptions, type LowerView } from '../lower-space.ts'
import { emptyManifest, encodeManifest, type VolumeManifest, volumeOf } from '../manifest.ts'

export const upperFolder = '/store'
export const lowerFolder = '/lower'

export interface TestChunk {
  readonly number: number
  readonly base: number
  readonly bodyLengths: readonly number[]
}

export interface TestSegment {
  readonly number: number
  readonly runs: readonly TestRecords[]
}

export interface TestVolume {
  readonly manifest: VolumeManifest
  readonly named: ControlVolume
}

/** Two layers of a store in memory: volumes with real files, and their filters above. */
export class TestLayers {
  readonly disk: MemoryFileSystem
  readonly faults: FaultFileSystem
  readonly storeId: Buffer
  readonly cache: BlockCache = new BlockCache({ bytesMax: 4 << 20 })
  readonly retirer: FileRetirer
  readonly random: SeededRandom
  /** By the number of the pack file. */
  readonly records: Map<number, readonly TestRecord[]> = new Map()
  readonly #chunkBytes = new Map<number, Buffer>()

  private constructor(disk: MemoryFileSystem, storeId: Buffer, seed: number) {
    this.disk = disk
    this.faults = new FaultFileSystem(disk)
    this.storeId = storeId
    this.random = new SeededRandom(seed)
    this.retirer = new FileRetirer(disk, (_, error) => {
      throw error
    })
  }

  static async create(
    o: { disk?: MemoryFileSystem; storeId?: Buffer; seed?: number } = {},
  ): Promise<TestLayers> {
    const disk = o.disk ?? new MemoryFileSystem()
    await disk.mkdir(upperFolder)
    await disk.mkdir(lowerFolder)
    return new TestLayers(disk, o.storeId ?? testStoreId, o.seed ?? 1)
  }

  /** Writes files into the volume and its next manifest. */
  async write(
    id: number,
    parts: {
      readonly chunks?: readonly TestChunk[]
      readonly segments?: readonly TestSegment[]
      /** Number of the file for the filters of these parts. */
      readonly filters?: number
    },
    before?: TestVolume,
  ): Promise<TestVolume> {
    const folder = `${lowerFolder}/${fileName.volume(id)}`
    await this.disk.mkdir(folder)
    const nonce = '0f'.repeat(16)
    const first = emptyManifest({ storeId: this.storeId.toString('hex'), id, at: 0, nonce })
    const old = before?.manifest ?? { ...first, sequence: 0, low: parts.chunks?.[0]?.base ?? 0 }
    const chunks = [...old.chunks]
    for (const chunk of parts.chunks ?? []) chunks.push(await this.#writeChunk(folder, chunk))
    const segments = [...old.segments]
    for (const segment of parts.segments ?? []) segments.push(...(await this.#writeSegment(folder, segment)))
    const ends = [...chunks.map((c) => c.base + c.length), ...segments.map((s) => s.high)]
    const high = Math.max(old.low, old.high, ...ends)
    const manifest = { ...old, sequence: old.sequence + 1, high, chunks, segments }
    const filters = [...(before?.named.filters ?? [])]
    if (parts.filters !== undefined) {
      const numbers = [...(parts.chunks ?? []), ...(parts.segments ?? [])].map(({ number }) => number)
      const place = { folder: upperFolder, number: parts.filters, storeId: this.storeId, volume: id }
      await writeFilters(
        this.disk,
        place,
        numbers.map((number) => this.filterOf(number)),
      )
      filters.push(parts.filters)
    }
    await writeNewFile(this.disk, `${folder}/${fileName.manifest(manifest.sequence)}`, [
      encodeManifest(manifest),
    ])
    return { manifest, named: volumeOf(manifest, filters) }
  }

  filterOf(number: number): PackFilter {
    const records = this.records.get(number) ?? []
    const filter = BloomFilter.for(records.length)
    for (const { hash } of records) filter.add(hashWord(hash, 0), hashWord(hash, 4))
    return { number, filter }
  }

  space(o: Partial<LowerSpaceOptions> = {}): LowerSpace {
    return new LowerSpace({
      ...{ fs: this.faults, folder: upperFolder, storeId: this.storeId },
      directory: new LazyDirectory(new FolderOpener(this.faults, lowerFolder)),
      ...{ cache: this.cache, retirer: this.retirer },
      ...o,
    })
  }

  /** Some of a chunk's records, to be copied into a segment. */
  run(number: number, from: number, to: number): TestRecords {
    const records = (this.records.get(number) ?? []).slice(from, to)
    const first = (this.records.get(number) ?? [])[0] as TestRecord
    const bytes = this.#chunkBytes.get(number) as Buffer
    const start = (records[0] as TestRecord).offset - first.offset
    const length = records.reduce((sum, { size }) => sum + size, 0)
    return { bytes: bytes.subarray(start, start + length), records }
  }

  async #writeChunk(folder: string, { number, base, bodyLengths }: TestChunk) {
    const { storeId } = this
    const made = makeRecords(this.random, firstOffset(base), bodyLengths)
    const header = encodePackHeader(magic.chunk, { number, nonce: this.random.bytes(16), storeId, base })
    const length = header.length + made.bytes.length
    await writeNewFile(this.disk, `${folder}/${fileName.chunk(number)}`, [header, made.bytes])
    const index = new IndexBuilder()
    for (const { hash, offset, size } of made.records)
      index.add(indexKind.blob, Buffer.from(hash, 'latin1'), 0, offset, size)
    const path = `${folder}/${fileName.chunkIndex(number)}`
    await index.write(this.disk, { number, storeId, packLength: length, path })
    this.records.set(number, made.records)
    this.#chunkBytes.set(number, made.bytes)
    return { number, base, length }
  }

  async #writeSegment(folder: string, { number, runs }: TestSegment) {
    const { disk: fs, storeId } = this
    const newNonce = (): Buffer => this.random.bytes(16)
    const writer = new SegmentWriter({ fs, folder, storeId, nextNumber: () => number, newNonce })
    for (const { bytes, records } of runs)
      writer.addRun((records[0] as TestRecord).offset, bytes, 0, bytes.length)
    this.records.set(
      number,
      runs.flatMap(({ records }) => records),
    )
    return writer.finish()
  }
}

/** The body of the record at the offset, as programs read it. */
export function bodyAt({ cache }: { readonly cache: BlockCache }, lower: LowerView, offset: number): Buffer {
  const retire = Number.MAX_SAFE_INTEGER
  const space = new AddressSpace({ epoch: 1, instance: lower, retire, chunks: [], segments: [], lower })
  const { buf, bodyStart, bodyEnd } = new RecordReader(cache, () => space).record(offset)
  return Buffer.from(buf.subarray(bodyStart, bodyEnd))
}

/** All that the view finds for the hash, and the code of what stood in its way. */
export function offsetsOf(
  view: LowerView,
  hash: string,
  kind: IndexKind = indexKind.blob,
): { found: LowerCandidates[]; failure: string | undefined } {
  const found: LowerCandidates[] = []
  const steps = view.candidates(kind, hash)
  for (let step = steps.next(); ; step = steps.next()) {
    if (step.done === true) return { found, failure: step.value?.code }
    found.push(step.value)
  }
}

/** The code with which the call fails; `undefined`: it does not. @throws what is not of this library */
export function codeOf(call: () => unknown): string | undefined {
  try {
    call()
    return undefined
  } catch (error) {
    if (error instanceof Error && 'details' in error && 'code' in error) return String(error.code)
    throw error
  }
}
