import { closeSync, cpSync, fsyncSync, mkdtempSync, openSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Measurement } from '../measuring/measurement.ts'
import { filesIn } from '../measuring/store-folder.ts'
import type { SizeName } from '../workloads/workload-size.ts'
import type { PlannedStep } from './course.ts'
import { runStep } from './step-process.ts'

export interface StepResult extends Measurement {
  readonly step: string
}

/** What the steps found out in one round, in their order. */
export type Round = readonly StepResult[]

export interface RoundsOptions {
  /** What one round does. */
  readonly course: readonly PlannedStep[]
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
  const results: StepResult[] = []
  for (const { step, program } of o.course) {
    const folder = join(parent, step.folder)
    if (step.copyOf !== undefined) {
      cpSync(join(parent, step.copyOf), folder, { recursive: true })
      syncFiles(folder)
    }
    const start = performance.now()
    const measurement = await runStep(step, { program, folder, size: o.size, signal: o.signal })
    results.push({ step: step.name, ...measurement })
    o.onStep({ name: step.name, round, seconds: (performance.now() - start) / 1e3 })
    syncFiles(folder)
  }
  return results
}

/** So that no step's syncs wait for what another one left to be written. */
function syncFiles(folder: string): void {
  for (const file of filesIn(folder)) {
    // For reading: Git leaves files that nobody may write.
    const handle = openSync(file, 'r')
    fsyncSync(handle)
    closeSync(handle)
  }
}
