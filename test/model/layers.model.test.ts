/**
 * Random lives with a lower layer: archives, volumes, trees and refs that reach back into volumes, damage, a
 * lower layer that goes away and comes back. After each step nothing is lost and no file is odd. A failure
 * prints a seed and a path; `VARVE_SEED` runs that seed again.
 */
import { randomInt } from 'node:crypto'
import fc from 'fast-check'
import { describe, test } from 'vitest'
import { LayersDriver } from '../support/layers-driver.ts'
import { layersSequences } from '../support/layers-ops.ts'
import { type Place, TempStore } from '../support/temp-store.ts'

const seed = Number(process.env['VARVE_SEED'] ?? randomInt(2 ** 31))

/** Sequences, of 6 to 26 steps each. */
const runs: readonly (readonly [Place, number])[] = [
  ['memory', Number(process.env['VARVE_RUNS'] ?? 80)],
  ['disk', 5],
]

describe('a store with a lower layer and its model', () => {
  test.each(runs)(`in %s, %i sequences, seed ${seed}`, async (place, numRuns) => {
    await fc.assert(
      fc.asyncProperty(layersSequences, async (ops) => {
        const temp = await TempStore.create({ place, isLayered: true })
        try {
          await new LayersDriver(temp).run(ops)
        } finally {
          await temp.remove()
        }
      }),
      { numRuns, seed },
    )
  })
})
