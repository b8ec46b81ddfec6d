import type { Figure } from '../benchmark.ts'
import { percentile } from '../measuring/measurement.ts'

/** How often each piece of work is done. */
export const roundCount = 5

/** The median of what was measured, and its range. */
export function sampled(what: string, values: readonly number[], unit: string): Figure[] {
  return [
    { what, value: percentile(values, 0.5), unit },
    { what: `${what}, least`, value: Math.min(...values), unit },
    { what: `${what}, most`, value: Math.max(...values), unit },
  ]
}

/** How long the work takes, in ms. */
export async function timed(work: () => Promise<unknown>): Promise<number> {
  const before = performance.now()
  await work()
  return performance.now() - before
}
