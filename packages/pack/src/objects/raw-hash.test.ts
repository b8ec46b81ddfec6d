import { describe, expect, test } from 'vitest'
import { sha256 } from './content-hash.ts'
import { hashEquals, readHash, sameHashBytes, writeHash } from './raw-hash.ts'

const hash = sha256(Buffer.from('varve'), 0, 5)

describe('raw hashes in buffers', () => {
  test('are written, read, and compared at any place', () => {
    const bytes = Buffer.alloc(80, 0xee)
    writeHash(bytes, hash, 5)
    expect(bytes.subarray(5, 37).toString('latin1')).toBe(hash)
    expect([bytes[4], bytes[37]]).toEqual([0xee, 0xee])
    expect(readHash(bytes, 5)).toBe(hash)
    expect(hashEquals(bytes, 5, hash)).toBe(true)
    expect(hashEquals(bytes, 6, hash)).toBe(false)
  })

  test('two places are compared byte by byte, and what reaches over an end is not the same', () => {
    const [one, two] = [Buffer.alloc(64), Buffer.alloc(40)]
    writeHash(one, hash, 32)
    writeHash(two, hash, 8)
    expect(sameHashBytes(one, 32, two, 8)).toBe(true)
    expect(sameHashBytes(one, 32, two, 7)).toBe(false)
    expect(sameHashBytes(one, 33, two, 9)).toBe(false)
    expect(sameHashBytes(one, 64, two, 40)).toBe(false)
    for (let i = 0; i < 32; i++) {
      one[32 + i]! ^= 1
      expect(sameHashBytes(one, 32, two, 8)).toBe(false)
      one[32 + i]! ^= 1
    }
  })
})
