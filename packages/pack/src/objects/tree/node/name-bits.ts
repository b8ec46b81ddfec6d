/**
 * Names as strings of bits. A name is its bytes followed by endless zero bits; no name contains NUL, so two
 * different names differ in some bit, and the order of bits is the order of bytes.
 */
import type { RawName } from '../../names/raw-name.ts'

/** The first bit in which two different names differ. */
export function firstDifferingBit(a: RawName, b: RawName): number {
  const sizeMax = Math.max(a.length, b.length)
  for (let i = 0; i < sizeMax; i++) {
    const difference = byteOf(a, i) ^ byteOf(b, i)
    if (difference !== 0) return i * 8 + Math.clz32(difference) - 24
  }
  return sizeMax * 8
}

/** The `bits` bits of the name from bit `at` on: its slot in an inner node at `at`. */
export function digitOf(name: RawName, at: number, bits: number): number {
  const i = at >>> 3
  const pair = (byteOf(name, i) << 8) | byteOf(name, i + 1)
  return (pair >>> (16 - bits - (at & 7))) & ((1 << bits) - 1)
}

/**
 * Compares the first `bitCount` bits of a name with the prefix stored at `start` (its last byte padded with
 * zero bits). 0: same; else bit + 1 of the first difference, negative when the name is the smaller one.
 */
export function compareWithPrefix(name: RawName, bytes: Buffer, start: number, bitCount: number): number {
  const whole = bitCount >>> 3
  for (let i = 0; i < whole; i++) {
    const own = byteOf(name, i)
    const stored = bytes[start + i]!
    if (own !== stored) return signedBit(i, own, stored)
  }
  const rest = bitCount & 7
  if (rest === 0) return 0
  const own = byteOf(name, whole) & (0xff << (8 - rest)) & 0xff
  const stored = bytes[start + whole]!
  return own === stored ? 0 : signedBit(whole, own, stored)
}

/**
 * Writes the first `bitCount` bits of the name, padded with zero bits to whole bytes. Returns the position
 * after.
 */
export function writePrefix(bytes: Buffer, start: number, name: RawName, bitCount: number): number {
  const size = prefixSize(bitCount)
  for (let i = 0; i < size; i++) bytes[start + i] = byteOf(name, i)
  const rest = bitCount & 7
  if (rest !== 0) bytes[start + size - 1]! &= 0xff << (8 - rest)
  return start + size
}

/** Bytes that a prefix of so many bits takes. */
export function prefixSize(bitCount: number): number {
  return (bitCount + 7) >>> 3
}

/** How many leading bytes two names share. */
export function sharedSize(a: RawName, b: RawName): number {
  const limit = Math.min(a.length, b.length)
  let i = 0
  while (i < limit && a.charCodeAt(i) === b.charCodeAt(i)) i++
  return i
}

function signedBit(index: number, own: number, stored: number): number {
  const bit = index * 8 + Math.clz32(own ^ stored) - 24
  return own < stored ? -1 - bit : bit + 1
}

function byteOf(name: RawName, index: number): number {
  return index < name.length ? name.charCodeAt(index) : 0
}

/**
 * Compares the first `bitCount` bits of two names: negative, 0, or positive.
 */
export function compareBits(a: RawName, b: RawName, bitCount: number): number {
  const sizeMax = (bitCount + 7) >>> 3
  for (let i = 0; i < sizeMax; i++) {
    const rest = bitCount - i * 8
    const mask = rest >= 8 ? 0xff : (0xff << (8 - rest)) & 0xff
    const difference = (byteOf(a, i) & mask) - (byteOf(b, i) & mask)
    if (difference !== 0) return difference
  }
  return 0
}
