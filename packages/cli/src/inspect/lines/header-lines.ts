/** What the headers of files say, as lines, and back. The zeros that fill up a page are not of them. */
import { magic } from '@varve/pack/layout'
import { indexKind } from '@varve/pack/objects'
import {
  type CheckpointHeader,
  encodeCheckpointHeader,
  encodeIndexHeader,
  encodeMapHeader,
  encodePackHeader,
  type IndexHeader,
  type IndexSection,
  indexSections,
  type MapHeader,
  type PackHeader,
} from '@varve/pack/pack'
import type { Finding } from '../finding.ts'
import type { LineFields } from './line-fields.ts'
import { nameOf } from './records/body-lines.ts'

/** Bytes of the headers, up to and with their checksums; see docs/format.md. */
export const mapHeaderBytes = 72
export const indexHeaderBytes = 248

const FILE_NUMBER_MAX = 0xffff_ffff

export function packHeaderLine(type: 'chunk' | 'segment', header: PackHeader): Finding {
  const { number, base, nonce, storeId } = header
  return { type, number, base, nonce: nonce.toString('hex'), storeId: storeId.toString('hex') }
}

export function packHeaderOf(fields: LineFields): PackHeader {
  return { ...numbered(fields), nonce: fields.hex('nonce', 16), base: fields.integer('base') }
}

export function buildPackHeader(fields: LineFields): Buffer {
  const kind = fields.text('type') === 'chunk' ? magic.chunk : magic.segment
  return encodePackHeader(kind, packHeaderOf(fields))
}

export function mapHeaderLine(header: MapHeader): Finding {
  const { number, storeId, runCount, pageCount, packLength, fencesChecksum } = header
  return {
    type: 'map',
    number,
    storeId: storeId.toString('hex'),
    runs: runCount,
    pages: pageCount,
    packLength,
    fencesChecksum: sumText(fencesChecksum),
  }
}

export function buildMapHeader(fields: LineFields): Buffer {
  const page = encodeMapHeader({
    ...numbered(fields),
    runCount: fields.integer('runs'),
    pageCount: fields.integer('pages'),
    packLength: fields.integer('packLength'),
    fencesChecksum: sum(fields, 'fencesChecksum'),
  })
  return page.subarray(0, mapHeaderBytes)
}

export function indexHeaderLine(header: IndexHeader): Finding {
  const { number, storeId, packLength, entryCount, pageCount, objects, sections } = header
  return {
    type: 'index',
    number,
    storeId: storeId.toString('hex'),
    packLength,
    entries: entryCount,
    pages: pageCount,
    objects: Object.entries(objects).map(([kind, o]) => ({ kind: nameOf(indexKind, Number(kind)), ...o })),
    sections: indexSections.map((name) => {
      const { position, length, checksum } = sections[name]
      return { name, position, length, checksum: sumText(checksum) }
    }),
  }
}

export function buildIndexHeader(fields: LineFields): Buffer {
  const objects = new Map(fields.list('objects').map((each) => [each.text('kind'), each]))
  const sections = new Map(fields.list('sections').map((each) => [each.text('name'), each]))
  const tally = (kind: keyof typeof indexKind): { count: number; bytes: number } => {
    const found = objects.get(kind)
    return { count: found?.integer('count') ?? 0, bytes: found?.integer('bytes') ?? 0 }
  }
  const place = (name: IndexSection): IndexHeader['sections'][IndexSection] => {
    const found = sections.get(name)
    if (found === undefined) return { position: 0, length: 0, checksum: 0n }
    return {
      position: found.integer('position'),
      length: found.integer('length'),
      checksum: sum(found, 'checksum'),
    }
  }
  const page = encodeIndexHeader({
    ...numbered(fields),
    packLength: fields.integer('packLength'),
    entryCount: fields.integer('entries'),
    pageCount: fields.integer('pages'),
    objects: { 1: tally('blob'), 2: tally('tree'), 3: tally('commit'), 4: tally('list') },
    sections: {
      fences: place('fences'),
      filter: place('filter'),
      metadata: place('metadata'),
      touched: place('touched'),
      healed: place('healed'),
    },
  })
  return page.subarray(0, indexHeaderBytes)
}

export function checkpointHeaderLine(header: CheckpointHeader): Finding {
  const { number, storeId, position, entryCount, blockCount } = header
  return {
    type: 'checkpoint',
    number,
    storeId: storeId.toString('hex'),
    logPosition: position,
    entries: entryCount,
    blocks: blockCount,
  }
}

export function buildCheckpointHeader(fields: LineFields): Buffer {
  return encodeCheckpointHeader({
    ...numbered(fields),
    position: fields.integer('logPosition'),
    entryCount: fields.integer('entries'),
    blockCount: fields.integer('blocks'),
  })
}

function numbered(fields: LineFields): { readonly number: number; readonly storeId: Buffer } {
  return { number: fields.integer('number', FILE_NUMBER_MAX), storeId: fields.hex('storeId', 16) }
}

function sumText(checksum: bigint): string {
  return checksum.toString(16).padStart(16, '0')
}

function sum(fields: LineFields, name: string): bigint {
  return fields.hex(name, 8).readBigUInt64BE(0)
}
