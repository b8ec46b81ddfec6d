import { expect, test } from 'vitest'
import { bitsOf, checkedClosed, isNobodys, unnoticed } from '../support/flipped-bytes.ts'
import { makeSpecimen } from '../support/specimen.ts'

const seed = 7_302

test('a check names the file, whichever byte of it is another', async () => {
  const specimen = await makeSpecimen(seed)
  const bits = bitsOf(specimen, 1, seed).filter((bit) => !isNobodys(specimen, bit))
  expect(await unnoticed(bits, (bit) => checkedClosed(specimen, bit))).toEqual([])
})
