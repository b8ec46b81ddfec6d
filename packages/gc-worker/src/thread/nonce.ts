import { randomBytes } from 'node:crypto'

/** 16 bytes that no other file has. */
export function newNonce(): Buffer {
  return randomBytes(16)
}
