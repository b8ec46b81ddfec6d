import type { FileSystem } from '@varve/pack/fs'
import { classifyFile, fileName } from '@varve/pack/layout'
import { decodeCommit, indexKindOf, type RawHash, rawToHex, recordKind } from '@varve/pack/objects'
import {
  BlockCache,
  batchHeaderSize,
  ChunkScanner,
  canonicalHash,
  decodeManifest,
  FileRetirer,
  IndexFile,
  openChunkFile,
  parseRecordHeader,
  type RecordHeader,
  readRecordHash,
  recordFlag,
  recordHeaderSize,
  recordSize,
  recordSumMatches,
  Segment,
  type VolumeManifest,
} from '@varve/pack/pack'
import { expect } from 'vitest'

/** What a structural reference may point to, by the kind of the record that has it. */
const targets: ReadonlyMap<number, readonly number[]> = new Map([
  [recordKind.node, [recordKind.node, recordKind.blob, recordKind.bigBlob]],
  [recordKind.commit, [recordKind.node]],
  [recordKind.list, [recordKind.list, recordKind.blob]],
  [recordKind.bigBlob, [recordKind.list, recordKind.blob]],
])

interface Found {
  readonly offset: number
  readonly kind: number
  readonly flags: number
  readonly hash: RawHash
  readonly body: Buffer
  readonly references: readonly number[]
}

export interface VolumeAloneOptions {
  /** Of the manifest that counts. Default: the newest. */
  readonly sequence?: number | undefined
  /** Files that no manifest names may lie there: something has failed before. */
  readonly mayHoldMore?: boolean | undefined
}

/**
 * Looks at the folder of one volume and at nothing else, and asserts that it is complete by itself: the files
 * are those of its manifest; every record is whole, or a whole one stands in for it; every structural
 * reference leads to a record of the right kind and hash in this volume; every index lists exactly what its
 * pack file holds.
 * @returns what it holds, by hash
 */
export async function expectVolumeAlone(
  fs: FileSystem,
  folder: string,
  o: VolumeAloneOptions = {},
): Promise<{ readonly manifest: VolumeManifest; readonly hashes: ReadonlySet<string> }> {
  const names = await fs.list(folder)
  const sequences = names.map(classifyFile).flatMap((f) => (f.kind === 'manifest' ? [f.number] : []))
  const sequence = o.sequence ?? Math.max(...sequences)
  const file = fileName.manifest(sequence)
  const manifest = decodeManifest(await fs.readFile(`${folder}/${file}`), file)
  expect(manifest.sequence).toBe(sequence)
  expectFiles(names, manifest, o.mayHoldMore === true)
  const walk = new VolumeWalk(fs, folder, manifest)
  await walk.readAll()
  walk.expectClosed()
  return { manifest, hashes: walk.hashes() }
}

function expectFiles(names: readonly string[], manifest: VolumeManifest, mayHoldMore: boolean): void {
  const { sequence, chunks, segments } = manifest
  const wanted = [
    ...Array.from({ length: sequence }, (_, i) => fileName.manifest(i + 1)),
    ...chunks.flatMap(({ number }) => [fileName.chunk(number), fileName.chunkIndex(number)]),
    ...segments.flatMap(({ number }) => [
      fileName.segment(number),
      fileName.segmentMap(number),
      fileName.segmentIndex(number),
    ]),
  ]
  if (!mayHoldMore) expect([...names].sort()).toEqual(wanted.sort())
  // Failures leave gaps between sequences.
  const needed = wanted.filter((name) => classifyFile(name).kind !== 'manifest')
  expect(needed.filter((name) => !names.includes(name))).toEqual([])
}

class VolumeWalk {
  readonly #fs: FileSystem
  readonly #folder: string
  readonly #manifest: VolumeManifest
  readonly #records = new Map<number, Found>()
  readonly #damaged = new Set<number>()
  readonly #cache = new BlockCache({ bytesMax: 1024 * 1024 })
  readonly #retirer: FileRetirer

  constructor(fs: FileSystem, folder: string, manifest: VolumeManifest) {
    this.#fs = fs
    this.#folder = folder
    this.#manifest = manifest
    this.#retirer = new FileRetirer(fs, () => {})
  }

  async readAll(): Promise<void> {
    for (const chunk of this.#manifest.chunks) {
      const offsets = await this.#readChunk(chunk)
      await this.#expectIndex(fileName.chunkIndex(chunk.number), chunk.number, chunk.length, offsets)
    }
    for (const segment of this.#manifest.segments) {
      const offsets = await this.#readSegment(segment)
      expect(offsets.length).toBe(segment.objects)
      await this.#expectIndex(fileName.segmentIndex(segment.number), segment.number, segment.bytes, offsets)
    }
    await this.#retirer.drained()
  }

  /** Of its objects, in hexadecimal digits. */
  hashes(): Set<string> {
    return new Set([...this.#records.values()].map(({ hash }) => rawToHex(hash)))
  }

  expectClosed(): void {
    const wrong: string[] = []
    for (const found of this.#records.values()) {
      const header = { ...found, referenceCount: found.references.length, bodyLength: found.body.length }
      const proved = canonicalHash(bytesOf(found), 0, header)
      if (proved !== undefined && proved !== found.hash) wrong.push(`${found.offset} has another hash`)
      for (const reference of found.references) {
        const what = this.#wrongOf(found, reference)
        if (what !== undefined) wrong.push(`${found.offset} (kind ${found.kind}) -> ${reference}: ${what}`)
      }
    }
    expect(wrong, `references that do not stay in ${this.#folder}`).toEqual([])
  }

  #wrongOf(from: Found, reference: number): string | undefined {
    if (reference === 0 || this.#damaged.has(reference)) return undefined
    const target = this.#records.get(reference)
    if (target === undefined) return 'not there'
    if (!targets.get(from.kind)?.includes(target.kind)) return `kind ${target.kind}`
    if (reference >= from.offset && (from.flags & recordFlag.healed) === 0) return 'points up'
    const isNamed =
      from.kind === recordKind.commit
        ? decodeCommit(from.body, 0, from.body.length).tree.hash === target.hash
        : from.body.includes(Buffer.from(target.hash, 'latin1'))
    return isNamed ? undefined : 'another hash'
  }

  /** Offsets of the objects in it. */
  async #readChunk(chunk: VolumeManifest['chunks'][number]): Promise<number[]> {
    const storeId = Buffer.from(this.#manifest.storeId, 'hex')
    const { handle, header } = await openChunkFile(this.#fs, this.#folder, { ...chunk, storeId }, 'read')
    const offsets: number[] = []
    try {
      const scanner = new ChunkScanner({ handle, header, end: chunk.base + chunk.length })
      for (let step = await scanner.next(); step !== undefined; step = await scanner.next()) {
        expect(step.kind, 'batches follow each other').toBe('batch')
        if (step.kind !== 'batch') continue
        const { batch } = step
        for (let at = batch.start + batchHeaderSize; at < batch.recordsEnd; ) {
          at += this.#take(batch.bytes, batch.at + at - batch.start, at, offsets)
        }
      }
    } finally {
      await handle.close()
    }
    return offsets
  }

  async #readSegment(info: VolumeManifest['segments'][number]): Promise<number[]> {
    const place = { folder: this.#folder, info, storeId: Buffer.from(this.#manifest.storeId, 'hex') }
    const segment = await Segment.open(this.#fs, { ...place, cache: this.#cache, retirer: this.#retirer })
    const offsets: number[] = []
    try {
      const bytes = await this.#fs.readFile(`${this.#folder}/${fileName.segment(info.number)}`)
      for (const { start, position, length } of segment.runs()) {
        for (let done = 0; done < length; ) done += this.#take(bytes, position + done, start + done, offsets)
      }
    } finally {
      segment.release()
    }
    return offsets
  }

  /** The record's size. */
  #take(bytes: Buffer, at: number, offset: number, offsets: number[]): number {
    const header: RecordHeader = { kind: 0, flags: 0, referenceCount: 0, bodyLength: 0 }
    expect(parseRecordHeader(bytes, at, header), `a record starts at ${offset}`).toBe(true)
    const size = recordSize(header.bodyLength)
    if (indexKindOf(header.kind) === undefined) return size
    offsets.push(offset)
    if (!recordSumMatches(bytes, at, header.bodyLength, offset)) {
      if (!this.#records.has(offset)) this.#damaged.add(offset)
      return size
    }
    const body = Buffer.from(bytes.subarray(at + recordHeaderSize, at + recordHeaderSize + header.bodyLength))
    const references = Array.from({ length: header.referenceCount }, (_, i) =>
      Number(body.readBigUInt64LE(body.length - 8 * (header.referenceCount - i))),
    )
    const { kind, flags } = header
    this.#records.set(offset, { offset, kind, flags, hash: readRecordHash(bytes, at), body, references })
    this.#damaged.delete(offset)
    return size
  }

  async #expectIndex(name: string, number: number, packLength: number, offsets: number[]): Promise<void> {
    const index = await IndexFile.open(this.#fs, {
      ...{ folder: this.#folder, name, number, cache: this.#cache, retirer: this.#retirer },
      storeId: Buffer.from(this.#manifest.storeId, 'hex'),
    })
    expect(index, `${name} is there`).toBeDefined()
    if (index === undefined) return
    const listed: number[] = []
    index.forEach((_, offset) => void listed.push(offset))
    expect(index.packLength).toBe(packLength)
    index.release()
    const ascending = (a: number, b: number): number => a - b
    expect(listed.sort(ascending), name).toEqual(offsets.sort(ascending))
  }
}

/** A record's bytes as far as its hash depends on them. */
function bytesOf({ body }: Found): Buffer {
  return Buffer.concat([Buffer.alloc(recordHeaderSize), body])
}
