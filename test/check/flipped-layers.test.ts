import { beforeAll, expect, test } from 'vitest'
import { type Bit, bitsIn } from '../support/flipped-bytes.ts'
import { faultsOf } from '../support/layers-flipped.ts'
import { type LayersSpecimen, makeLayersSpecimen } from '../support/layers-specimen.ts'

const seed = 7_601

let specimen: LayersSpecimen
let bits: readonly Bit[]
beforeAll(async () => {
  specimen = await makeLayersSpecimen({ bigBytes: 0 })
  bits = await bitsIn(specimen.disk, { stride: strideOf, seed })
})

/** One byte of so many is flipped here; every one in the long tests. */
function strideOf(file: string): number {
  if (file.startsWith('meta-')) return 101
  return file.endsWith('.pack') ? 997 : 3_001
}

const kinds = [
  /^control$/,
  /^suffix-\d+\.pack$/,
  /^suffix-\d+\.idx$/,
  /^gen-\d+\.pack$/,
  /^gen-\d+\.map$/,
  /^gen-\d+\.idx$/,
  /^meta-/,
  /^filter-/,
  /\/manifest-/,
  /\/suffix-\d+\.pack$/,
  /\/suffix-\d+\.idx$/,
  /\/gen-\d+\.pack$/,
  /\/gen-\d+\.map$/,
  /\/gen-\d+\.idx$/,
]

test.each(kinds)('one bit is another in %s: found, read right or refused, and repaired', async (kind) => {
  const chosen = bits.filter(({ file }) => kind.test(file))
  expect(chosen.length).toBeGreaterThan(0)
  const faults: string[] = []
  for (const bit of chosen) faults.push(...(await faultsOf(specimen, bit)))
  expect(faults).toEqual([])
})

test('every file is of one of these kinds', () => {
  expect(bits.filter(({ file }) => !kinds.some((kind) => kind.test(file)))).toEqual([])
  expect(new Set(bits.map(({ file }) => file)).size).toBeGreaterThan(20)
})

test('one bit is another where a large blob lies in pieces: found, refused or right, repaired', async () => {
  const large = await makeLayersSpecimen({ bigBytes: 700_000 })
  const isPack = (file: string): boolean => file.endsWith('.pack')
  const all = await bitsIn(large.disk, { stride: (file) => (isPack(file) ? 40_009 : 1 << 30), seed })
  const chosen = all.filter(({ file }) => isPack(file))
  expect(chosen.length).toBeGreaterThan(40)
  const faults: string[] = []
  for (const bit of chosen) faults.push(...(await faultsOf(large, bit)))
  expect(faults).toEqual([])
})
