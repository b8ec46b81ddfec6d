import { tryReadU64, writeU64, xxh64 } from '../../base/index.ts'
import { VarveError } from '../../errors/index.ts'
import { formatVersion, magic } from '../../layout/index.ts'
import type { IndexKind } from '../../objects/index.ts'
import { indexBlockBytes } from '../blocks/index.ts'

/** Pages and header alike. */
export const pageBytes: typeof indexBlockBytes = indexBlockBytes
export const pageHeaderBytes = 16
export const entryBytes = 16
export const entriesPerPage = 255
/** The kinds that objects are looked up by, in the order of their counts. */
export const indexKinds: readonly IndexKind[] = [1, 2, 3, 4]
/**
 * The parts of an index behind its pages, in this order; a part's number in the list + 1 seeds its checksum.
 */
export const indexSections = ['fences', 'filter', 'metadata', 'touched', 'healed'] as const
export type IndexSection = (typeof indexSections)[number]

export interface SectionPlace {
  readonly position: number
  readonly length: number
  readonly checksum: bigint
}

/** What an index says about itself and about the pack file beside it. */
export interface IndexHeader {
  readonly number: number
  /** 16 bytes. */
  readonly storeId: Buffer
  /** Length of the pack file that it describes, in bytes. */
  readonly packLength: number
  readonly entryCount: number
  readonly pageCount: number
  /** By index kind. */
  readonly objects: { readonly [K in IndexKind]: { readonly count: number; readonly bytes: number } }
  readonly sections: { readonly [S in IndexSection]: SectionPlace }
}

const countsAt = 56
const sectionsAt = countsAt + indexKinds.length * 16
const checksumAt = sectionsAt + indexSections.length * 24
const checksumSeed = 0

/** A page of 4,096 bytes whose rest is zero. */
export function encodeIndexHeader(header: IndexHeader): Buffer {
  const page = Buffer.alloc(pageBytes)
  page.write(magic.index, 0, 'latin1')
  page.writeUInt32LE(formatVersion, 8)
  page.writeUInt32LE(header.number, 12)
  header.storeId.copy(page, 16, 0, 16)
  writeU64(page, header.packLength, 32)
  writeU64(page, header.entryCount, 40)
  writeU64(page, header.pageCount, 48)
  for (const [i, kind] of indexKinds.entries()) {
    writeU64(page, header.objects[kind].count, countsAt + i * 16)
    writeU64(page, header.objects[kind].bytes, countsAt + i * 16 + 8)
  }
  for (const [i, name] of indexSections.entries()) {
    const at = sectionsAt + i * 24
    const place = header.sections[name]
    writeU64(page, place.position, at)
    writeU64(page, place.length, at + 8)
    page.writeBigUInt64LE(place.checksum, at + 16)
  }
  page.writeBigUInt64LE(xxh64(page, 0, checksumAt, checksumSeed), checksumAt)
  return page
}

/**
 * @param page the first 4,096 bytes of the file, or fewer if it has no more
 * @throws CORRUPT, NEWER_FORMAT
 */
export function decodeIndexHeader(page: Buffer, file: string): IndexHeader {
  const corrupt = (): VarveError => new VarveError('CORRUPT', { file, offset: 0 })
  if (page.length < pageBytes || page.toString('latin1', 0, 8) !== magic.index) throw corrupt()
  if (xxh64(page, 0, checksumAt, checksumSeed) !== page.readBigUInt64LE(checksumAt)) throw corrupt()
  const found = page.readUInt32LE(8)
  if (found > formatVersion) throw new VarveError('NEWER_FORMAT', { found, supported: formatVersion })
  const field = (at: number): number => {
    const value = tryReadU64(page, at)
    if (value === undefined) throw corrupt()
    return value
  }
  const count = (i: number) => ({ count: field(countsAt + i * 16), bytes: field(countsAt + i * 16 + 8) })
  const place = (i: number): SectionPlace => {
    const at = sectionsAt + i * 24
    return { position: field(at), length: field(at + 8), checksum: page.readBigUInt64LE(at + 16) }
  }
  return {
    number: page.readUInt32LE(12),
    storeId: Buffer.from(page.subarray(16, 32)),
    packLength: field(32),
    entryCount: field(40),
    pageCount: field(48),
    objects: { 1: count(0), 2: count(1), 3: count(2), 4: count(3) },
    sections: { fences: place(0), filter: place(1), metadata: place(2), touched: place(3), healed: place(4) },
  }
}

export function sectionSeed(name: IndexSection): number {
  return indexSections.indexOf(name) + 1
}
