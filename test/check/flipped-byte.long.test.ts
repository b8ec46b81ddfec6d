import { flipBit } from '@varve/pack/testing'
import { checkFolder } from '@varve/store/internal'
import { expect, test } from 'vitest'
import { bitsIn, unnoticed } from '../support/flipped-bytes.ts'
import { memoryFolder } from '../support/memory-store.ts'
import { makeTwoLayers } from '../support/two-layers.ts'

test('a check names the file, whichever byte of a small two-layer store is another', async () => {
  const whole = await makeTwoLayers({ bigBytes: 0 })
  const bits = await bitsIn(whole, { stride: 1, seed: 7_302 })
  const missed = await unnoticed(bits, async ({ path, bit }) => {
    const disk = whole.clone()
    disk.damage(path, flipBit(bit))
    return checkFolder(memoryFolder, { full: true }, { fileSystem: disk, where: 'inline' })
  })
  expect(missed).toEqual([])
})
