import { hexToRaw } from '@varve/pack/objects'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { IdMap, idState } from './id-map.ts'

function idOf(n: number, size: 20 | 32): Buffer {
  // Some ids begin alike, as ids hardly ever do by chance: the table must find them nevertheless.
  const id = Buffer.alloc(size, 0x5a)
  if (n % 64 !== 0) id.writeUInt32LE(Math.imul(n, 0x9e3779b1) >>> 0, 0)
  id.writeUInt32LE(n, size - 4)
  return id
}

describe.each([20, 32] as const)('ids of %i bytes', (size) => {
  test('keep their facts through growth', () => {
    const map = new IdMap(size)
    const count = 20_000
    for (let n = 0; n < count; n++) {
      const index = map.add(idOf(n, size), 0, idState.waiting)
      expect(index).toBe(n)
      const ref = { hash: String.fromCharCode(n % 256).repeat(32), offset: n * 8, size: n }
      if (n % 3 === 0) map.setBlob(index, ref)
      if (n % 3 === 1) map.setTree(index, ref, { count: n, size: n + 1, isOdd: n % 2 === 0 })
      if (n % 3 === 2) map.setCommit(index, hexToRaw(n.toString(16).padStart(64, '0')), false)
    }
    expect(map.count).toBe(count)
    for (let n = 0; n < count; n += 7) {
      const index = map.find(Buffer.concat([Buffer.alloc(3), idOf(n, size)]), 3)
      expect(index).toBe(n)
      expect(map.id(index)).toBe(idOf(n, size).toString('hex'))
      if (n % 3 === 2) expect(map.commitHash(index)).toBe(n.toString(16).padStart(64, '0'))
      else expect([map.offset(index), map.hash(index).charCodeAt(31)]).toEqual([n * 8, n % 256])
      if (n % 3 === 1) expect([map.entryCount(index), map.isOdd(index)]).toEqual([n, n % 2 === 0])
      expect(map.size(index)).toBe(n % 3 === 2 ? 0 : n + (n % 3))
    }
    expect(map.findHex('f'.repeat(size * 2))).toBe(-1)
  })
})

test('answers as a Map does', () => {
  const states = fc.constantFrom(idState.unseen, idState.blob, idState.waiting, idState.absent)
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(50), states)), (steps) => {
      const map = new IdMap(20)
      const model = new Map<number, number>()
      for (const [n, state] of steps) {
        const known = map.find(idOf(n, 20), 0)
        expect(known >= 0 ? map.state(known) : undefined).toBe(model.get(n))
        if (known < 0) map.add(idOf(n, 20), 0, state)
        else map.setState(known, state)
        if (state === idState.unseen) model.delete(n)
        else model.set(n, state)
      }
    }),
  )
})
