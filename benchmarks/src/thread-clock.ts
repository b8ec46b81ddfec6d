import { readFileSync } from 'node:fs'

const schedule = '/proc/thread-self/schedstat'

/**
 * Seconds that this thread has had a processor, from an arbitrary start: what a quiet machine would take,
 * also on one that others use. Where the system does not tell (only Linux does), wall time.
 */
export function threadSeconds(): number {
  try {
    return Number.parseInt(readFileSync(schedule, 'latin1'), 10) / 1e9
  } catch {
    return performance.now() / 1e3
  }
}
