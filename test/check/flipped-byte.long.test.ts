import { flipBit, type MemoryFileSystem } from '@varve/pack/testing'
import { checkFolder } from '@varve/store/internal'
import { beforeAll, describe, expect, test } from 'vitest'
import { type Bit, bitsIn, unnoticed } from '../support/flipped-bytes.ts'
import { memoryFolder } from '../support/memory-store.ts'
import { makeTwoLayers } from '../support/two-layers.ts'

const seed = 7_302

let whole: MemoryFileSystem
let bits: readonly Bit[]
beforeAll(async () => {
  whole = await makeTwoLayers({ bigBytes: 0 })
  bits = await bitsIn(whole, { stride: 1, seed })
})

/** One test for each kind of file: half an hour for all of them. */
const kinds = [/^control$/, /^suffix-/, /^gen-/, /^meta-/, /^filter-/, /manifest-/, /\/suffix-/, /\/gen-/]

describe('a check names the file, whichever byte of a small two-layer store is another', () => {
  test.each(kinds)('%s', async (kind) => {
    const chosen = bits.filter(({ file }) => kind.test(file))
    expect(chosen.length).toBeGreaterThan(100)
    const missed = await unnoticed(chosen, async ({ path, bit }) => {
      const disk = whole.clone()
      disk.damage(path, flipBit(bit))
      return checkFolder(memoryFolder, { full: true }, { fileSystem: disk, where: 'inline' })
    })
    expect(missed).toEqual([])
  })

  test('every file is of one of these kinds', () => {
    expect(bits.filter(({ file }) => !kinds.some((kind) => kind.test(file)))).toEqual([])
  })
})
