import { type ChildProcess, execFile } from 'node:child_process'
import { once } from 'node:events'
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
  const running = promisify(execFile)(process.execPath, [program, step.name, folder, size], { signal })
  try {
    return JSON.parse((await running).stdout) as Measurement
  } catch (error) {
    await ended(running.child)
    if (signal.aborted) throw new Error('interrupted', { cause: error })
    const { stderr = '' } = error as { stderr?: string }
    throw new Error(`${step.name} failed\n${stderr}`, { cause: error })
  }
}

/** A process that was told to stop still writes files for a moment. */
async function ended(child: ChildProcess): Promise<void> {
  const isRunning = child.pid !== undefined && child.exitCode === null && child.signalCode === null
  if (isRunning) await once(child, 'close')
}
