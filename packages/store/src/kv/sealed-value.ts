import { hash } from 'node:crypto'

/** 64 bits in hexadecimal digits. */
const checksumLength = 16

/**
 * A value with a checksum over its key and itself, because LevelDB hands out a flipped bit as a wrong value
 * without an error, and may hand out the value of another key.
 */
export function sealValue(key: string, value: string): string {
  return checksumOf(key, value) + value
}

/** The value, or `undefined` when the checksum is not the one of this key and this value. */
export function openValue(key: string, sealed: string): string | undefined {
  const value = sealed.slice(checksumLength)
  return sealed.startsWith(checksumOf(key, value)) ? value : undefined
}

function checksumOf(key: string, value: string): string {
  // The key's length keeps the two apart.
  return hash('sha256', `${key.length}:${key}${value}`).slice(0, checksumLength)
}
