/**
 * Unsigned little-endian fields of 0 to 7 bytes, and offsets, without bounds checks beyond the engine's own.
 */

const twoTo24 = 0x100_0000
const twoTo32 = 0x1_0000_0000

/** The largest size or total a node can say: larger sums stay there. */
export const totalMax: number = Number.MAX_SAFE_INTEGER

/** A sum that stops at `totalMax`: a tree may contain one subtree so often that the true sum has no end. */
export function addTotals(a: number, b: number): number {
  return Math.min(a + b, totalMax)
}

/** The fewest bytes (0 for 0) that hold the value. */
export function fieldSize(value: number): number {
  if (value < 0x100) return value === 0 ? 0 : 1
  if (value < 0x1_0000) return 2
  if (value < twoTo24) return 3
  if (value < twoTo32) return 4
  if (value < twoTo32 * 0x100) return 5
  return value < twoTo32 * 0x1_0000 ? 6 : 7
}

export function readField(bytes: Buffer, at: number, size: number): number {
  switch (size) {
    case 0:
      return 0
    case 1:
      return bytes[at]!
    case 2:
      return bytes[at]! | (bytes[at + 1]! << 8)
    case 3:
      return bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16)
    default:
      return readWide(bytes, at, size)
  }
}

export function writeField(bytes: Buffer, at: number, size: number, value: number): void {
  let rest = value
  for (let i = 0; i < size; i++) {
    bytes[at + i] = rest & 0xff
    rest = Math.floor(rest / 0x100)
  }
}

export function readU16(bytes: Buffer, at: number): number {
  return bytes[at]! | (bytes[at + 1]! << 8)
}

export function writeU16(bytes: Buffer, at: number, value: number): void {
  bytes[at] = value & 0xff
  bytes[at + 1] = value >>> 8
}

export function readU32(bytes: Buffer, at: number): number {
  return (bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)) >>> 0
}

export function writeU32(bytes: Buffer, at: number, value: number): void {
  bytes[at] = value & 0xff
  bytes[at + 1] = (value >>> 8) & 0xff
  bytes[at + 2] = (value >>> 16) & 0xff
  bytes[at + 3] = value >>> 24
}

export function readOffset(bytes: Buffer, at: number): number {
  return readU32(bytes, at) + readU32(bytes, at + 4) * twoTo32
}

export function writeOffset(bytes: Buffer, at: number, offset: number): void {
  const low = offset >>> 0
  writeU32(bytes, at, low)
  writeU32(bytes, at + 4, (offset - low) / twoTo32)
}

function readWide(bytes: Buffer, at: number, size: number): number {
  let value = 0
  for (let i = size - 1; i >= 0; i--) value = value * 0x100 + bytes[at + i]!
  return value
}
