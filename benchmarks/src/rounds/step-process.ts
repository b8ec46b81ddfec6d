import { execFile } from 'node:child_process'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { Measurement, Order } from '../measuring/measurement.ts'
import type { Step } from '../store/steps.ts'
import type { SizeName } from '../workloads/workload-size.ts'

const program = join(dirname(fileURLToPath(import.meta.url)), '..', 'store', 'main.js')

export interface StepOrder {
  readonly folder: Order['folder']
  readonly size: SizeName
  readonly signal: AbortSignal
}

/** Runs a step in a new process, so that it begins with cold caches and a memory of its own. */
export async function runStep(step: Step, { folder, size, signal }: StepOrder): Promise<Measurement> {
  try {
    const { stdout } = await promisify(execFile)(process.execPath, [program, step.name, folder, size], {
      signal,
    })
    return JSON.parse(stdout) as Measurement
  } catch (error) {
    const { stderr = '' } = error as { stderr?: string }
    throw new Error(`${step.name} failed\n${stderr}`, { cause: error })
  }
}
