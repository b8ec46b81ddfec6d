/**
 * Random sequences of everything that changes a store, beside a model of sets that says exactly what must be
 * there, what must be gone, and where both are allowed. A failure prints a seed and a path; `VARVE_SEED` runs
 * that seed again.
 */
import { randomInt } from 'node:crypto'
import fc from 'fast-check'
import { describe, test } from 'vitest'
import { ModelDriver } from '../support/model-driver.ts'
import { sequences } from '../support/model-ops.ts'
import { type Place, withStore } from '../support/temp-store.ts'

const seed = Number(process.env['VARVE_SEED'] ?? randomInt(2 ** 31))

/** Sequences, of 6 to 36 steps each. */
const runs: readonly (readonly [Place, number])[] = [
  ['memory', Number(process.env['VARVE_RUNS'] ?? 1_000)],
  ['disk', 20],
]

describe('a store and its model', () => {
  test.each(runs)(`in %s, %i sequences, seed ${seed}`, async (place, numRuns) => {
    await fc.assert(
      fc.asyncProperty(sequences, (ops) => withStore({ place }, (temp) => new ModelDriver(temp).run(ops))),
      { numRuns, seed },
    )
  })
})
