import { VarveError } from '../../errors/index.ts'
import { fileNumberMax, storeFormat, volumeIdMax } from '../../layout/index.ts'
import { chunkBaseAlignment, packHeaderSize, recordAlignment } from '../frame/index.ts'
import type {
  ControlCheckpoint,
  ControlChunk,
  ControlSegment,
  ControlState,
  ControlTarget,
  ControlVolume,
} from './control-state.ts'
import { InvalidPayload, PayloadFields } from './payload-field.ts'

/** Canonical: the fields in the order of `ControlState`, no spaces, numbers without fraction or exponent. */
export function encodePayload(state: ControlState): Buffer {
  return Buffer.from(JSON.stringify(inOrder(state)), 'utf8')
}

/**
 * The state that a payload says, unless it says anything that no writer writes: an unknown field, another
 * order, chunks that overlap.
 * @throws NEWER_FORMAT, InvalidPayload
 */
export function decodePayload(bytes: Buffer): ControlState {
  const fields = PayloadFields.of(parse(bytes), 'control')
  const format = fields.integer('format')
  if (format > storeFormat.layered)
    throw new VarveError('NEWER_FORMAT', { found: format, supported: storeFormat.layered })
  const state = readState(fields)
  if (!encodePayload(state).equals(bytes)) throw new InvalidPayload('control is not in its canonical form')
  checkState(state)
  return state
}

/** @throws InvalidPayload when the state breaks a rule of the format; also called before it is written */
export function checkState(state: ControlState): void {
  const isLayered = state.lower !== null || state.volumes.length > 0
  const expected = isLayered ? storeFormat.layered : storeFormat.plain
  demand(state.format === expected, `the format of such a store is ${expected}`)
  demand(state.sequence >= 1 && state.writerTerm >= 1, 'sequence and writer term start at 1')
  checkChunks(state)
  for (const segment of state.segments) {
    demand(
      segment.low < segment.high && segment.high <= state.retire,
      'segments lie below the retire boundary',
    )
    demand(segment.low % recordAlignment === 0, 'segments start at a record')
  }
  const numbers = [...state.chunks, ...state.segments, ...(state.checkpoint ? [state.checkpoint] : [])]
  for (const { number } of numbers)
    demand(number <= state.fileCounter, 'the file counter is the highest number')
  demand(state.fileCounter <= fileNumberMax, 'file numbers are u32')
  const packs = [...state.chunks, ...state.segments].map(({ number }) => number)
  demand(new Set(packs).size === packs.length, 'no number is used twice')
  checkVolumes(state)
}

function checkVolumes({ volumes, retire, fileCounter }: ControlState): void {
  volumes.forEach((volume, index) => {
    const before = volumes[index - 1]
    demand(volume.low <= volume.high && volume.high <= retire, 'volumes lie below the retire boundary')
    demand(volume.id >= 1 && volume.id <= volumeIdMax, `ids of volumes are 1 to ${volumeIdMax}`)
    demand(before === undefined || before.id < volume.id, 'ids of volumes ascend')
    demand(before === undefined || before.high <= volume.low, 'volumes do not overlap')
    demand(volume.manifest >= 1 && volume.manifest <= fileNumberMax, 'a volume has a manifest')
    demand(
      volume.filters.every((number) => number <= fileCounter),
      'the file counter is the highest number',
    )
  })
}

function checkChunks({ chunks, retire }: ControlState): void {
  demand(chunks.length > 0, 'there is a chunk')
  chunks.forEach((chunk, index) => {
    const next = chunks[index + 1]
    demand(chunk.base % chunkBaseAlignment === 0, 'bases of chunks are aligned')
    demand((chunk.length === null) === (next === undefined), 'the last chunk is open, and no other')
    demand(chunk.length === null || chunk.length >= packHeaderSize, 'a chunk has its header')
    demand(next === undefined || chunk.base + (chunk.length ?? 0) <= next.base, 'chunks do not overlap')
    demand(chunk.base >= retire, 'chunks lie above the retire boundary')
  })
}

function readState(fields: PayloadFields): ControlState {
  const hashAlgorithm = fields.text('hashAlgorithm')
  if (hashAlgorithm !== 'sha256') throw new InvalidPayload(`unknown hash algorithm ${hashAlgorithm}`)
  return {
    format: fields.integer('format'),
    storeId: fields.hex('storeId', 32),
    hashAlgorithm,
    sequence: fields.integer('sequence'),
    writerTerm: fields.integer('writerTerm'),
    fileCounter: fields.integer('fileCounter'),
    epoch: fields.integer('epoch'),
    lower: fields.nullable('lower', () => fields.text('lower')),
    retire: fields.integer('retire'),
    retireTime: fields.integer('retireTime'),
    chunks: fields.list('chunks', readChunk),
    segments: fields.list('segments', readSegment),
    checkpoint: fields.nullable('checkpoint', () => fields.object('checkpoint', readCheckpointField)),
    volumes: fields.list('volumes', readVolume),
    target: fields.nullable('target', () => fields.object('target', readTarget)),
  }
}

function readChunk(fields: PayloadFields): ControlChunk {
  return {
    number: fields.integer('number'),
    base: fields.integer('base'),
    length: fields.nullable('length', () => fields.integer('length')),
  }
}

function readSegment(fields: PayloadFields): ControlSegment {
  return {
    number: fields.integer('number'),
    low: fields.integer('low'),
    high: fields.integer('high'),
    bytes: fields.integer('bytes'),
    objects: fields.integer('objects'),
  }
}

function readCheckpointField(fields: PayloadFields): ControlCheckpoint {
  return { number: fields.integer('number'), position: fields.integer('position') }
}

function readVolume(fields: PayloadFields): ControlVolume {
  return {
    id: fields.integer('id'),
    low: fields.integer('low'),
    high: fields.integer('high'),
    manifest: fields.integer('manifest'),
    checksum: fields.hex('checksum', 16),
    bytes: fields.integer('bytes'),
    filters: fields.integers('filters'),
  }
}

function readTarget(fields: PayloadFields): ControlTarget {
  return { hash: fields.hex('hash', 64), offset: fields.integer('offset') }
}

/** The same state with its fields, and those within, in the order in which they are written. */
function inOrder(s: ControlState): ControlState {
  return {
    ...{ format: s.format, storeId: s.storeId, hashAlgorithm: s.hashAlgorithm, sequence: s.sequence },
    ...{ writerTerm: s.writerTerm, fileCounter: s.fileCounter, epoch: s.epoch, lower: s.lower },
    ...{ retire: s.retire, retireTime: s.retireTime },
    chunks: s.chunks.map(({ number, base, length }) => ({ number, base, length })),
    segments: s.segments.map(({ number, low, high, bytes, objects }) => ({
      number,
      low,
      high,
      bytes,
      objects,
    })),
    checkpoint: s.checkpoint && { number: s.checkpoint.number, position: s.checkpoint.position },
    volumes: s.volumes.map(({ id, low, high, manifest, checksum, bytes, filters }) => ({
      ...{ id, low, high, manifest, checksum, bytes, filters },
    })),
    target: s.target && { hash: s.target.hash, offset: s.target.offset },
  }
}

function parse(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString('utf8'))
  } catch (cause) {
    throw new InvalidPayload('control is not JSON', { cause })
  }
}

function demand(condition: boolean, what: string): void {
  if (!condition) throw new InvalidPayload(`must hold: ${what}`)
}
