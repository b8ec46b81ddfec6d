import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { SeededRandom } from '../../testing/index.ts'
import { HashTable } from './hash-table.ts'
import { hashWord } from './hash-word.ts'

function find(table: HashTable, hash: string): number[] {
  const offsets: number[] = []
  for (let slot = table.first(hash); slot >= 0; slot = table.next(slot)) offsets.push(table.offsetAt(slot))
  return offsets
}

describe('HashTable', () => {
  test('offers every offset that was added for a hash, by text, by bytes, or by its first words', () => {
    const few = fc.constantFrom(
      ...Array.from({ length: 40 }, (_, i) => new SeededRandom(i).bytes(32).toString('latin1')),
    )
    fc.assert(
      fc.property(fc.array(few, { maxLength: 200 }), fc.integer(), (hashes, seed) => {
        const table = new HashTable({ seed })
        const model = new Map<string, number[]>()
        for (const [i, hash] of hashes.entries()) {
          const offset = (i + 1) * 8
          if (i % 3 === 0) table.add(hash, offset)
          else if (i % 3 === 1) table.addWords(hashWord(hash, 0), hashWord(hash, 4), offset)
          else table.addBytes(Buffer.from(`..${hash}`, 'latin1'), 2, offset)
          model.set(hash, [...(model.get(hash) ?? []), offset])
        }
        expect(table.count).toBe(hashes.length)
        expect([...table.offsets()].sort((a, b) => a - b)).toEqual(hashes.map((_, i) => (i + 1) * 8))
        for (const [hash, offsets] of model)
          expect(find(table, hash)).toEqual(expect.arrayContaining(offsets))
      }),
    )
  })

  test('a million hashes: all found, hardly a wrong candidate, 17 bytes each', () => {
    const random = new SeededRandom(5)
    const table = new HashTable({ seed: 1 })
    const bytes = random.bytes(8_000_032)
    for (let i = 0; i < 1_000_000; i++) table.addBytes(bytes, i * 8, (i + 1) * 8)
    let wrong = 0
    for (let i = 0; i < 1_000_000; i += 101) {
      const found = find(table, bytes.toString('latin1', i * 8, i * 8 + 32))
      expect(found).toContain((i + 1) * 8)
      wrong += found.length - 1
    }
    expect(wrong).toBeLessThan(20)
    expect(table.bytes).toBeLessThanOrEqual(2 ** 21 * 8)
  })

  test('hashes that begin alike spread over the table', () => {
    const table = new HashTable({ seed: 77 })
    const hashes = Array.from({ length: 50_000 }, (_, i) => {
      const bytes = Buffer.alloc(32)
      bytes.writeUInt32LE(i, 4)
      return bytes.toString('latin1')
    })
    for (const [i, hash] of hashes.entries()) table.add(hash, (i + 1) * 8)
    const candidates = hashes.reduce((sum, hash) => sum + find(table, hash).length, 0)
    expect(candidates).toBeLessThan(hashes.length * 1.01)
  })

  test('refuses an offset that no record can have', () => {
    const table = new HashTable({ seed: 0 })
    for (const offset of [0, -8, 12, 2 ** 36])
      expect(() => table.add('x'.repeat(32), offset)).toThrow('multiple of 8')
  })
})
