/** One of the workloads, or a part of one, in a process of its own. */
import { runStepProgram } from '../measuring/step-program.ts'
import { steps } from './steps.ts'

await runStepProgram(steps)
