/** One of the yardsticks in a process of its own. */
import { runStepProgram } from '../measuring/step-program.ts'
import { yardsticks } from './yardsticks.ts'

await runStepProgram(yardsticks)
