import { SeededRandom } from '@varve/pack/testing'

/** Bytes that do not compress and repeat nowhere, the same for the same seed. In an array of their own. */
export function seededBytes(seed: number, length: number): Uint8Array {
  const bytes = new Uint8Array(length)
  bytes.set(new SeededRandom(seed).bytes(length))
  return bytes
}

/** Bytes in pieces of at most `size`. */
export function* piecesOf(bytes: Uint8Array, size: number): Generator<Uint8Array, void, undefined> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}
