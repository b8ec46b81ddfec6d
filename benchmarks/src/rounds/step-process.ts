import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import type { Measurement, Order } from '../measuring/measurement.ts'
import type { Step } from '../measuring/step.ts'
import type { SizeName } from '../workloads/workload-size.ts'

export interface StepOrder {
  readonly program: string
  readonly folder: Order['folder']
  readonly size: SizeName
  readonly signal: AbortSignal
}

/** Runs a step in a new process, so that it begins with cold caches and a memory of its own. */
export async function runStep(step: Step, o: StepOrder): Promise<Measurement> {
  o.signal.throwIfAborted()
  // The leader of a group of its own: what it starts can be ended with it.
  const running = spawn(process.execPath, [o.program, step.name, o.folder, o.size], {
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const stop = (): void => endGroup(running)
  o.signal.addEventListener('abort', stop)
  try {
    // Closed is what all of the group have let go of; until then they may write files.
    const [closed, stdout, stderr] = await Promise.all([
      once(running, 'close') as Promise<[number | null]>,
      text(running.stdout),
      text(running.stderr),
    ])
    if (o.signal.aborted) throw new Error('interrupted')
    if (closed[0] !== 0) throw new Error(`${step.name} failed\n${stderr}`)
    return JSON.parse(stdout) as Measurement
  } finally {
    o.signal.removeEventListener('abort', stop)
  }
}

function endGroup({ pid }: ChildProcess): void {
  if (pid === undefined) return
  try {
    process.kill(-pid, 'SIGTERM')
  } catch (error) {
    // It has ended meanwhile.
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}
