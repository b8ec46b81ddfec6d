import { type SizeName, workloadSizes } from '../workloads/workload-size.ts'
import type { Step } from './step.ts'

/**
 * What a process does that was started as `<program> <step> <folder> <size>`: one of the steps. Prints its
 * measurement as JSON; a value that is not what was written ends it with an error.
 */
export async function runStepProgram(steps: readonly Step[]): Promise<void> {
  const [name, folder, sizeName] = process.argv.slice(2) as [string, string, SizeName]
  const step = steps.find((one) => one.name === name)
  if (step === undefined) throw new Error(`there is no ${name}`)
  console.log(JSON.stringify(await step.measure({ folder, size: workloadSizes[sizeName] })))
}
