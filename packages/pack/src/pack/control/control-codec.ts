import { tryReadU64, writeU64, Xxh64Stream } from '../../base/index.ts'
import { VarveError } from '../../errors/index.ts'
import { fileName, magic } from '../../layout/index.ts'
import { checkState, decodePayload, encodePayload } from './control-payload.ts'
import type { ControlState } from './control-state.ts'
import { InvalidPayload } from './payload-field.ts'

/** Each copy starts at a multiple of this many bytes, so that no page of the disk holds parts of both. */
const copyAlignment = 4096
const copyCount = 2
const headerSize = 32
const checkedHeaderSize = 24
/** Hundreds of thousands of chunks and segments; more is damage. */
const payloadBytesMax: number = 64 * 1024 * 1024

/** What a control file says, and whether both copies of it are whole. */
export interface DecodedControl {
  readonly state: ControlState
  readonly wholeCopies: number
}

/**
 * The bytes of a control file; see docs/format.md, "Control".
 * @throws InvalidPayload when the state breaks a rule of the format: a bug of its writer
 */
export function encodeControl(state: ControlState): Buffer {
  checkState(state)
  const payload = encodePayload(state)
  const copy = Buffer.alloc(headerSize + payload.length)
  copy.write(magic.control, 0, 'latin1')
  copy.writeUInt32LE(payload.length, 4)
  writeU64(copy, state.sequence, 8)
  writeU64(copy, state.writerTerm, 16)
  payload.copy(copy, headerSize)
  copy.writeBigUInt64LE(sumOf(copy), checkedHeaderSize)
  const stride = Math.ceil(copy.length / copyAlignment) * copyAlignment
  const bytes = Buffer.alloc(stride * (copyCount - 1) + copy.length)
  for (let start = 0; start < bytes.length; start += stride) copy.copy(bytes, start)
  return bytes
}

/**
 * What the newest whole copy says.
 * @throws CORRUPT when there is none, or it says what no writer writes; NEWER_FORMAT
 */
export function decodeControl(bytes: Buffer): DecodedControl {
  const copies = findCopies(bytes)
  let newest = copies[0]
  if (newest === undefined) throw corrupt(0, 'no copy of it is whole')
  for (const copy of copies) if (sequenceOf(copy.bytes) > sequenceOf(newest.bytes)) newest = copy
  const { start, bytes: copy } = newest
  try {
    const state = decodePayload(copy.subarray(headerSize))
    if (state.sequence !== sequenceOf(copy) || state.writerTerm !== tryReadU64(copy, 16)) {
      throw new InvalidPayload('header and payload say different things')
    }
    return { state, wholeCopies: copies.filter((other) => other.bytes.equals(copy)).length }
  } catch (error) {
    if (error instanceof InvalidPayload) throw corrupt(start, error.message, error)
    throw error
  }
}

/**
 * Wherever a copy may start: the first may be damaged, and with it the length that would lead to the second.
 */
function findCopies(bytes: Buffer): { start: number; bytes: Buffer }[] {
  const found: { start: number; bytes: Buffer }[] = []
  for (let start = 0; start + headerSize <= bytes.length; start += copyAlignment) {
    if (bytes.toString('latin1', start, start + 4) !== magic.control) continue
    const length = bytes.readUInt32LE(start + 4)
    const end = start + headerSize + length
    if (length > payloadBytesMax || end > bytes.length) continue
    const copy = bytes.subarray(start, end)
    if (sumOf(copy) === copy.readBigUInt64LE(checkedHeaderSize)) found.push({ start, bytes: copy })
  }
  return found
}

/** Covers the whole copy but the sum itself. */
function sumOf(copy: Buffer): bigint {
  return new Xxh64Stream(0).update(copy, 0, checkedHeaderSize).update(copy, headerSize, copy.length).digest()
}

function sequenceOf(copy: Buffer): number {
  return tryReadU64(copy, 8) ?? 0
}

function corrupt(offset: number, what: string, cause?: unknown): VarveError {
  const message = `${fileName.control}: ${what}`
  return new VarveError('CORRUPT', { file: fileName.control, offset }, { message, cause })
}
