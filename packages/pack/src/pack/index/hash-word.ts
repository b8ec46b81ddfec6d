import type { RawHash } from '../../objects/index.ts'

/** Four bytes of a hash as a big-endian word, so that words sort as the hashes do. */
export function hashWord(hash: RawHash, at: number): number {
  return (
    ((hash.charCodeAt(at) << 24) |
      (hash.charCodeAt(at + 1) << 16) |
      (hash.charCodeAt(at + 2) << 8) |
      hash.charCodeAt(at + 3)) >>>
    0
  )
}

/** The same from a record's bytes. */
export function hashWordAt(bytes: Uint8Array, at: number): number {
  return (
    (((bytes[at] as number) << 24) |
      ((bytes[at + 1] as number) << 16) |
      ((bytes[at + 2] as number) << 8) |
      (bytes[at + 3] as number)) >>>
    0
  )
}
