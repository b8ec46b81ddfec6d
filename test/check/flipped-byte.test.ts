import { beforeAll, expect, test } from 'vitest'
import { bitsIn, checkedClosed, checkedOpen, unnoticed } from '../support/flipped-bytes.ts'
import { makeSpecimen, type Specimen } from '../support/specimen.ts'

const seed = 7_301
/** One byte of so many is flipped here; every one in the long tests. */
const stride = 1_499

let specimen: Specimen
beforeAll(async () => {
  specimen = await makeSpecimen(seed)
})

test('a check of a closed store names the file in which one bit is another', async () => {
  const bits = await bitsIn(specimen.disk, { stride, seed })
  expect(bits.length).toBeGreaterThan(300)
  expect(await unnoticed(bits, (bit) => checkedClosed(specimen, bit))).toEqual([])
})

test('a check of an open store names it too, and reads are right or refused', async () => {
  const bits = await bitsIn(specimen.disk, { stride: 4 * stride, seed: seed + 1 })
  expect(await unnoticed(bits, (bit) => checkedOpen(specimen, bit))).toEqual([])
})
