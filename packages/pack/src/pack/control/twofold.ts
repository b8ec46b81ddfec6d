import { tryReadU64, writeU64, Xxh64Stream } from '../../base/index.ts'

/** Each copy starts at a multiple of this many bytes, so that no page of the disk holds parts of both. */
const copyAlignment = 4096
const copyCount = 2
const headerSize = 32
const checkedHeaderSize = 24
/** Hundreds of thousands of files; more is damage. */
const payloadBytesMax: number = 64 * 1024 * 1024

/** A whole copy found in a file. */
export interface WholeCopy {
  /** Of the copy in the file. */
  readonly start: number
  /** Header and payload. */
  readonly bytes: Buffer
  readonly payload: Buffer
  readonly sequence: number
  /** The second number of the header. */
  readonly second: number | undefined
}

/** What a file holds twice, so that damage to one copy loses nothing; see docs/format.md, "Control". */
export interface TwofoldContent {
  /** 4 characters. */
  readonly magic: string
  readonly sequence: number
  readonly second: number
  readonly payload: Buffer
}

export function encodeTwofold({ magic, sequence, second, payload }: TwofoldContent): Buffer {
  const copy = Buffer.alloc(headerSize + payload.length)
  copy.write(magic, 0, 'latin1')
  copy.writeUInt32LE(payload.length, 4)
  writeU64(copy, sequence, 8)
  writeU64(copy, second, 16)
  payload.copy(copy, headerSize)
  copy.writeBigUInt64LE(sumOf(copy), checkedHeaderSize)
  const stride = Math.ceil(copy.length / copyAlignment) * copyAlignment
  const bytes = Buffer.alloc(stride * (copyCount - 1) + copy.length)
  for (let start = 0; start < bytes.length; start += stride) copy.copy(bytes, start)
  return bytes
}

/**
 * Every whole copy, wherever one may start: the first may be damaged, and with it the length that would lead
 * to the second. Newest first.
 */
export function wholeCopies(bytes: Buffer, magic: string): WholeCopy[] {
  const found: WholeCopy[] = []
  for (let start = 0; start + headerSize <= bytes.length; start += copyAlignment) {
    if (bytes.toString('latin1', start, start + 4) !== magic) continue
    const length = bytes.readUInt32LE(start + 4)
    const end = start + headerSize + length
    if (length > payloadBytesMax || end > bytes.length) continue
    const copy = bytes.subarray(start, end)
    if (sumOf(copy) !== copy.readBigUInt64LE(checkedHeaderSize)) continue
    const sequence = tryReadU64(copy, 8) ?? 0
    const payload = copy.subarray(headerSize)
    found.push({ start, bytes: copy, payload, sequence, second: tryReadU64(copy, 16) })
  }
  return found.sort((a, b) => b.sequence - a.sequence)
}

/** Covers the whole copy but the sum itself. */
function sumOf(copy: Buffer): bigint {
  return new Xxh64Stream(0).update(copy, 0, checkedHeaderSize).update(copy, headerSize, copy.length).digest()
}
