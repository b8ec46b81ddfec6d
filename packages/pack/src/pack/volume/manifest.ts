import { xxh64 } from '../../base/index.ts'
import { VarveError } from '../../errors/index.ts'
import { fileNumberMax, formatVersion, magic, volumeIdMax } from '../../layout/index.ts'
import {
  type ControlSegment,
  type ControlVolume,
  encodeTwofold,
  InvalidPayload,
  PayloadFields,
  wholeCopies,
} from '../control/index.ts'
import { chunkBaseAlignment, packHeaderSize, recordAlignment } from '../frame/index.ts'

/** No pack file is longer: chunks end at 1 GiB, or 2 GiB when no other can be begun, and one batch. */
const packBytesMax = 2 ** 32

/** A chunk that rests in a volume: position p of its file is virtual offset base + p. */
export interface VolumeChunk {
  readonly number: number
  readonly base: number
  /** Bytes of the file that count, header included. */
  readonly length: number
}

/**
 * What a volume holds: the log's range [low, high) in chunks, and in segments what records of that range
 * refer to below it or in other volumes. A manifest is never changed: the next one has a higher sequence.
 */
export interface VolumeManifest {
  readonly format: number
  /** 32 hexadecimal digits. */
  readonly storeId: string
  readonly id: number
  readonly sequence: number
  /** 32 hexadecimal digits, random: two copies of a store that went apart never write the same manifest. */
  readonly nonce: string
  readonly low: number
  readonly high: number
  /** Ascending. */
  readonly chunks: readonly VolumeChunk[]
  readonly segments: readonly ControlSegment[]
}

/** @throws InvalidPayload when the manifest breaks a rule of the format: a bug of its writer */
export function encodeManifest(manifest: VolumeManifest): Buffer {
  checkManifest(manifest)
  const { sequence, id: second } = manifest
  return encodeTwofold({ magic: magic.manifest, sequence, second, payload: payloadOf(manifest) })
}

/** XXH64 of what a manifest says, in 16 hexadecimal digits: control has it. */
export function manifestSum(manifest: VolumeManifest): string {
  const payload = payloadOf(manifest)
  return xxh64(payload, 0, payload.length, 0).toString(16).padStart(16, '0')
}

/**
 * What a manifest file says, by whichever copy in it is whole.
 * @param file its name, for errors
 * @throws CORRUPT, NEWER_FORMAT
 */
export function decodeManifest(bytes: Buffer, file: string): VolumeManifest {
  const [copy] = wholeCopies(bytes, magic.manifest)
  if (copy === undefined) throw corrupt(file, 0, 'no copy of it is whole')
  try {
    const manifest = readPayload(copy.payload)
    if (manifest.sequence !== copy.sequence || manifest.id !== copy.second) {
      throw new InvalidPayload('header and payload say different things')
    }
    checkManifest(manifest)
    return manifest
  } catch (error) {
    if (error instanceof InvalidPayload) throw corrupt(file, copy.start, error.message, error)
    throw error
  }
}

/** What control says of a volume with this manifest. */
export function volumeOf(manifest: VolumeManifest, filters: readonly number[]): ControlVolume {
  const { id, low, high, sequence } = manifest
  let bytes = 0
  for (const { length } of manifest.chunks) bytes += length
  for (const segment of manifest.segments) bytes += segment.bytes
  return { id, low, high, manifest: sequence, checksum: manifestSum(manifest), bytes, filters }
}

/** The first manifest of a volume that has nothing in it. */
export function emptyManifest(o: {
  readonly storeId: string
  readonly id: number
  readonly at: number
  readonly nonce: string
}): VolumeManifest {
  const { storeId, id, at, nonce } = o
  const range = { low: at, high: at, chunks: [], segments: [] }
  return { format: formatVersion, storeId, id, sequence: 1, nonce, ...range }
}

/** Canonical: the fields in the order of `VolumeManifest`, no spaces. */
function payloadOf(m: VolumeManifest): Buffer {
  const inOrder = {
    ...{ format: m.format, storeId: m.storeId, id: m.id, sequence: m.sequence, nonce: m.nonce },
    ...{ low: m.low, high: m.high },
    chunks: m.chunks.map(({ number, base, length }) => ({ number, base, length })),
    segments: m.segments.map(({ number, low, high, bytes, objects }) => ({
      ...{ number, low, high, bytes, objects },
    })),
  }
  return Buffer.from(JSON.stringify(inOrder), 'utf8')
}

function readPayload(bytes: Buffer): VolumeManifest {
  const fields = PayloadFields.of(parse(bytes), 'manifest')
  const format = fields.integer('format')
  if (format > formatVersion)
    throw new VarveError('NEWER_FORMAT', { found: format, supported: formatVersion })
  const integers = (of: PayloadFields, ...names: string[]): Record<string, number> =>
    Object.fromEntries(names.map((name) => [name, of.integer(name)]))
  const manifest = {
    format,
    storeId: fields.hex('storeId', 32),
    ...integers(fields, 'id', 'sequence'),
    nonce: fields.hex('nonce', 32),
    ...integers(fields, 'low', 'high'),
    chunks: fields.list('chunks', (chunk) => integers(chunk, 'number', 'base', 'length')),
    segments: fields.list('segments', (segment) =>
      integers(segment, 'number', 'low', 'high', 'bytes', 'objects'),
    ),
  } as unknown as VolumeManifest
  if (!payloadOf(manifest).equals(bytes)) throw new InvalidPayload('it is not in its canonical form')
  return manifest
}

function checkManifest(m: VolumeManifest): void {
  demand(m.format === formatVersion, `format ${m.format} never existed`)
  demand(m.id >= 1 && m.id <= volumeIdMax, `ids of volumes are 1 to ${volumeIdMax}`)
  demand(m.sequence >= 1 && m.sequence <= fileNumberMax, 'sequences start at 1')
  demand(m.low <= m.high, 'a volume has a range')
  m.chunks.forEach((chunk, index) => {
    const before = m.chunks[index - 1]
    demand(chunk.base % chunkBaseAlignment === 0, 'bases of chunks are aligned')
    demand(chunk.length >= packHeaderSize && chunk.length <= packBytesMax, 'a chunk has its header')
    demand(chunk.base >= m.low && chunk.base + chunk.length <= m.high, 'chunks lie in the range')
    demand(before === undefined || before.base + before.length <= chunk.base, 'chunks do not overlap')
  })
  for (const segment of m.segments) {
    demand(segment.low < segment.high && segment.high <= m.high, 'segments lie below the end')
    demand(segment.low % recordAlignment === 0, 'segments start at a record')
    demand(segment.bytes >= packHeaderSize && segment.bytes <= packBytesMax, 'a segment has its header')
  }
  const numbers = [...m.chunks, ...m.segments].map(({ number }) => number)
  demand(
    numbers.every((number) => number <= fileNumberMax),
    'file numbers are u32',
  )
  demand(new Set(numbers).size === numbers.length, 'no number is used twice')
}

function parse(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString('utf8'))
  } catch (cause) {
    throw new InvalidPayload('it is not JSON', { cause })
  }
}

function demand(condition: boolean, what: string): void {
  if (!condition) throw new InvalidPayload(`must hold: ${what}`)
}

function corrupt(file: string, offset: number, what: string, cause?: unknown): VarveError {
  return new VarveError('CORRUPT', { file, offset }, { message: `${file}: ${what}`, cause })
}
