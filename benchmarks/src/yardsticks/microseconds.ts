import type { Measurement } from '../measuring/measurement.ts'
import type { Stopwatch } from '../measuring/stopwatch.ts'

/** What each of the steps that were timed together took. */
export function microseconds(what: string, watch: Stopwatch, count: number): Measurement {
  return { figures: [{ what, value: (watch.wallMs * 1e3) / count, unit: 'µs' }], proofs: {} }
}
