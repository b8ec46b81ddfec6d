import { closeSync, cpSync, fsyncSync, mkdtempSync, openSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Measurement } from '../measuring/measurement.ts'
import { filesIn } from '../measuring/store-folder.ts'
import { steps } from '../store/steps.ts'
import type { SizeName } from '../workloads/workload-size.ts'
import { runStep } from './step-process.ts'

/** What the steps found out in one round, in their order. */
export type Round = readonly Measurement[]

export interface RoundsOptions {
  readonly count: number
  readonly size: SizeName
  readonly signal: AbortSignal
  /** Is told of each step that has ended. */
  readonly onStep: (step: { readonly name: string; readonly round: number; readonly seconds: number }) => void
}

/**
 * All steps, again and again, so that a busy minute of the machine does not hit all rounds of one step. Files
 * go into a new folder of the system's temporary one and are removed at the end, also of one that fails.
 */
export async function runRounds(o: RoundsOptions): Promise<Round[]> {
  const rounds: Round[] = []
  for (let round = 0; round < o.count; round++) {
    const folder = mkdtempSync(join(tmpdir(), 'varve-bench-'))
    try {
      rounds.push(await runRound(folder, round, o))
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  }
  return rounds
}

async function runRound(parent: string, round: number, o: RoundsOptions): Promise<Round> {
  const measurements: Measurement[] = []
  for (const step of steps) {
    const folder = join(parent, step.store)
    if (step.copyOf !== undefined) {
      cpSync(join(parent, step.copyOf), folder, { recursive: true })
      syncFiles(folder)
    }
    const start = performance.now()
    measurements.push(await runStep(step, { folder, size: o.size, signal: o.signal }))
    o.onStep({ name: step.name, round, seconds: (performance.now() - start) / 1e3 })
    syncFiles(folder)
  }
  return measurements
}

/** So that no step's syncs wait for what another one left to be written. */
function syncFiles(folder: string): void {
  for (const file of filesIn(folder)) {
    const handle = openSync(file, 'r+')
    fsyncSync(handle)
    closeSync(handle)
  }
}
