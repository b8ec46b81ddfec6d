import { expect, test } from 'vitest'
import { bitsIn } from '../support/flipped-bytes.ts'
import { faultsOf } from '../support/layers-flipped.ts'
import { makeLayersSpecimen } from '../support/layers-specimen.ts'

const seed = 7_602

const specimen = await makeLayersSpecimen({ bigBytes: 0 })
const bits = await bitsIn(specimen.disk, { stride: 1, seed })
const files = [...new Set(bits.map(({ file }) => file))].sort()

/** Some hours for all of them: every byte is checked for, read around, and repaired. */
test.each(files)(
  'whichever byte is another in %s: found, read right or refused, and repaired',
  async (file) => {
    const faults: string[] = []
    for (const bit of bits.filter((bit) => bit.file === file)) faults.push(...(await faultsOf(specimen, bit)))
    expect(faults).toEqual([])
  },
)
