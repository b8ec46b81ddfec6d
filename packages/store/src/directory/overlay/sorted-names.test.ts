import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { sliceNames, sortedNames } from './sorted-names.ts'
import { finishSteps } from './steps.ts'

describe('sortedNames', () => {
  it('sorts as the engine does, whatever the number of runs', () => {
    const size = fc.constantFrom(0, 1, sliceNames - 1, sliceNames, sliceNames + 1, 3 * sliceNames, 20_000)
    fc.assert(
      fc.property(size, fc.integer(), (size, seed) => {
        const names = Array.from({ length: size }, (_, at) => String(Math.imul(at + 1, seed | 1) >>> 0))
        expect(finishSteps(sortedNames(names))).toEqual(names.toSorted())
      }),
      { numRuns: 30 },
    )
  })

  it('gives the caller its turn between slices', () => {
    const steps = sortedNames(Array.from({ length: 8 * sliceNames }, (_, at) => String(at)))
    let turns = 0
    while (steps.next().done !== true) turns++
    expect(turns).toBeGreaterThanOrEqual(20)
  })
})
