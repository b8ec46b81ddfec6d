/**
 * One step in a process of its own: `main.js <step> <folder> <size>`. Prints its measurement as JSON; a value
 * that is not what was written ends it with an error.
 */
import { type SizeName, workloadSizes } from '../workloads/workload-size.ts'
import { steps } from './steps.ts'

const [name, folder, sizeName] = process.argv.slice(2) as [string, string, SizeName]
const step = steps.find((one) => one.name === name)
if (step === undefined) throw new Error(`there is no ${name}`)
console.log(JSON.stringify(await step.measure({ folder, size: workloadSizes[sizeName] })))
