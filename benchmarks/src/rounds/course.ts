import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Step } from '../measuring/step.ts'
import { steps } from '../store/steps.ts'
import type { Yardstick } from '../yardsticks/yardstick.ts'

/** A step, and the program that runs it. */
export interface PlannedStep {
  readonly step: Step
  readonly program: string
}

const built = join(dirname(fileURLToPath(import.meta.url)), '..')
const workloadProgram = join(built, 'store', 'main.js')
const yardstickProgram = join(built, 'yardsticks', 'main.js')

/** A round: all workloads, each followed by the yardsticks that measure the machine in the same minute. */
export function courseOf(yardsticks: readonly Yardstick[]): PlannedStep[] {
  return steps.flatMap((step) => [
    { step, program: workloadProgram },
    ...yardsticks
      .filter(({ behind }) => behind === step.name)
      .map((yardstick) => ({ step: yardstick, program: yardstickProgram })),
  ])
}
