import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ContentHasher, sha256 } from './content-hash.ts'
import { commitDomain, hashCanonical, listDomain, placeDomain, treeDomain } from './domain.ts'
import { hashEquals, hexToRaw, isHexHash, rawToHex, readHash, writeHash } from './raw-hash.ts'
import { indexKindOf, isRecordOf, recordKind } from './record-kind.ts'

const empty = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'
const abc = 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad'

describe('content hashes', () => {
  test('are plain SHA-256 (FIPS 180-4, examples)', () => {
    expect(rawToHex(sha256(Buffer.alloc(0), 0, 0))).toBe(empty)
    expect(rawToHex(sha256(Buffer.from('xabcx'), 1, 4))).toBe(abc)
    expect(rawToHex(new ContentHasher().digest())).toBe(empty)
  })

  test('in pieces as in one', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 300 })), (pieces) => {
        const hasher = new ContentHasher()
        for (const piece of pieces) hasher.update(piece)
        const whole = Buffer.concat(pieces)
        expect(hasher.size).toBe(whole.length)
        expect(hasher.digest()).toBe(sha256(whole, 0, whole.length))
      }),
    )
  })

  test('in a domain, with the domain in front or put there', () => {
    const bytes = Buffer.from(`${'.'.repeat(20)}canonical...`)
    const hashes = [treeDomain, commitDomain, listDomain].map((domain) => {
      placeDomain(domain, bytes, 20)
      const hash = sha256(bytes, 20 - domain.size, 29)
      expect(hash).toBe(hashCanonical(domain, Buffer.from('canonical')))
      const whole = Buffer.from(`${domain.text}canonical`)
      expect(hash).toBe(sha256(whole, 0, whole.length))
      return hash
    })
    expect(new Set(hashes).size).toBe(3)
  })
})

describe('raw hashes', () => {
  test('go to hex, to bytes, and back', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 32, maxLength: 32 }), (bytes) => {
        const raw = hexToRaw(Buffer.from(bytes).toString('hex'))
        expect(rawToHex(raw)).toBe(Buffer.from(bytes).toString('hex'))
        const target = Buffer.alloc(40, 0xaa)
        writeHash(target, raw, 5)
        expect(target.subarray(5, 37)).toEqual(Buffer.from(bytes))
        expect([target[4], target[37]]).toEqual([0xaa, 0xaa])
        expect(readHash(target, 5)).toBe(raw)
        expect(hashEquals(target, 5, raw)).toBe(true)
        expect(hashEquals(target, 4, raw)).toBe(readHash(target, 4) === raw)
        expect(hashEquals(target, 9, raw)).toBe(false)
      }),
    )
  })

  test.each(['', abc.toUpperCase(), abc.slice(1), `${abc}0`, ` ${abc}`, `${abc}\n`])(
    '%j is no hash',
    (text) => {
      expect(isHexHash(text)).toBe(false)
      expect(() => hexToRaw(text)).toThrow(
        expect.objectContaining({ code: 'INVALID_HASH', details: { text } }),
      )
    },
  )
})

test('a blob is looked up as one, whole or in chunks; metadata is not looked up by hash', () => {
  expect(Object.values(recordKind).map((kind) => indexKindOf(kind))).toEqual([
    1,
    2,
    3,
    4,
    1,
    undefined,
    undefined,
  ])
  expect([0, 6, 15, 255].map((kind) => indexKindOf(kind))).toEqual([
    undefined,
    undefined,
    undefined,
    undefined,
  ])
  expect(isRecordOf(recordKind.bigBlob, 1)).toBe(true)
  expect(isRecordOf(recordKind.node, 1)).toBe(false)
})
