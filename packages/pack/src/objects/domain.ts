import { sha256 } from './content-hash.ts'
import type { RawHash } from './raw-hash.ts'

/**
 * What is put in front of an object's canonical bytes before they are hashed, so that no content of a blob
 * can pass for a node or a commit. Part of the format: never changes.
 */
export interface Domain {
  readonly text: string
  readonly bytes: Buffer
  readonly size: number
}

export const treeDomain: Domain = domain('varve tree 1\n')
export const commitDomain: Domain = domain('varve commit 1\n')
export const listDomain: Domain = domain('varve list 1\n')

/**
 * Writes the domain so that it ends at `start`: canonical bytes behind it are then hashed with it by one
 * native call, and nothing is copied.
 */
export function placeDomain(of: Domain, bytes: Buffer, start: number): void {
  of.bytes.copy(bytes, start - of.size)
}

/** Hash of canonical bytes that have no domain in front of them: copies them once. */
export function hashCanonical(of: Domain, canonical: Buffer): RawHash {
  const whole = Buffer.concat([of.bytes, canonical])
  return sha256(whole, 0, whole.length)
}

function domain(text: string): Domain {
  const bytes = Buffer.from(text, 'latin1')
  return { text, bytes, size: bytes.length }
}
