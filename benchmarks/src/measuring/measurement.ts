import type { Figure } from '../benchmark.ts'
import type { WorkloadSize } from '../workloads/workload-size.ts'
import type { Stopwatch } from './stopwatch.ts'

/** Where a step works, and on how much. */
export interface Order {
  readonly folder: string
  readonly size: WorkloadSize
}

/** What a step found out. */
export interface Measurement {
  readonly figures: readonly Figure[]
  /** Hashes and sums by what they are of. Whoever states one of the same thing must come to the same. */
  readonly proofs: Readonly<Record<string, string>>
}

/** The value that a part of all values does not exceed; 1 gives the largest. */
export function percentile(values: readonly number[], part: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.max(Math.ceil(sorted.length * part), 1) - 1] ?? Number.NaN
}

export function total(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0)
}

export function mean(values: readonly number[]): number {
  return total(values) / values.length
}

/** How long single calls took. */
export function lapFigures(what: string, laps: readonly number[]): Figure[] {
  return [
    { what: `${what}, p50`, value: percentile(laps, 0.5), unit: 'ms' },
    { what: `${what}, p99`, value: percentile(laps, 0.99), unit: 'ms' },
    { what: `${what}, max`, value: percentile(laps, 1), unit: 'ms' },
  ]
}

/** What everything that was timed took together. */
export function costFigures(watch: Stopwatch, what = 'timed'): Figure[] {
  return [
    { what, value: watch.wallMs / 1e3, unit: 's' },
    { what: `${what}, processor`, value: watch.processorMs / 1e3, unit: 's' },
  ]
}

/** The most memory that this process, with its threads, has had at a time until now. */
export function memoryFigure(): Figure {
  return { what: 'peak memory', value: (process.resourceUsage().maxRSS * 1024) / 1e6, unit: 'MB' }
}

/** How many were done in a second. */
export function rate(what: string, count: number, wallMs: number): Figure {
  return { what, value: (count / wallMs) * 1e3, unit: '/s' }
}

export function megabytes(what: string, bytes: number): Figure {
  return { what, value: bytes / 1e6, unit: 'MB' }
}
