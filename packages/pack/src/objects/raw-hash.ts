import { inspect } from 'node:util'
import { VarveError } from '../errors/index.ts'

/**
 * A SHA-256 as 32 characters U+0000–U+00FF, one a byte ('latin1'). Inside the library hashes travel in this
 * form: it is half as long as hex, compares and hashes as fast as any string, and order is byte order.
 */
export type RawHash = string

/** Bytes of a hash, on disk and as characters of a `RawHash`. */
export const hashSize = 32

/** Lower-case hex, as the public interface shows hashes. */
export function rawToHex(hash: RawHash): string {
  return Buffer.from(hash, 'latin1').toString('hex')
}

/** @throws INVALID_HASH for anything but 64 lower-case hex digits. */
export function hexToRaw(text: string): RawHash {
  if (!isHexHash(text)) throw new VarveError('INVALID_HASH', { text: shownText(text) })
  return Buffer.from(text, 'hex').toString('latin1')
}

/** Of a value that no compiler has seen to be text. */
function shownText(value: unknown): string {
  return typeof value === 'string'
    ? value
    : inspect(value, { depth: 0, breakLength: Number.POSITIVE_INFINITY })
}

export function isHexHash(text: unknown): text is string {
  return typeof text === 'string' && /^[0-9a-f]{64}$/.test(text)
}

/** The hash whose bytes start at `at`. */
export function readHash(bytes: Buffer, at: number): RawHash {
  return bytes.toString('latin1', at, at + hashSize)
}

/** Writes the 32 bytes of a hash at `at`. */
export function writeHash(bytes: Buffer, hash: RawHash, at: number): void {
  for (let i = 0; i < hashSize; i++) bytes[at + i] = hash.charCodeAt(i)
}

/**
 * Whether the 32 bytes at `a` of one buffer are those at `b` of another: shorter than the way to `compare`.
 */
export function sameHashBytes(bytes: Buffer, a: number, others: Buffer, b: number): boolean {
  if (a + hashSize > bytes.length || b + hashSize > others.length) return false
  for (let i = 0; i < hashSize; i++) if (bytes[a + i] !== others[b + i]) return false
  return true
}

/** Whether the 32 bytes at `at` are this hash, without making a string. */
export function hashEquals(bytes: Buffer, at: number, hash: RawHash): boolean {
  if (hash.length !== hashSize || at + hashSize > bytes.length) return false
  for (let i = 0; i < hashSize; i++) if (bytes[at + i] !== hash.charCodeAt(i)) return false
  return true
}
