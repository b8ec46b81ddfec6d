import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { type SizeName, workloadSizes } from './workloads/workload-size.ts'
import { type YardstickChoice, yardstickChoices } from './yardsticks/choice.ts'

/** What is to be run, and how. */
export interface CommandLine {
  /** Beginnings of names of benchmarks. */
  readonly names: readonly string[]
  readonly rounds: number
  readonly size: SizeName
  readonly yardsticks: YardstickChoice
  readonly report: string
}

const roundsDefault = 5
const roundsMax = 100
/** Beside the sources of the benchmarks, and not kept in history. */
const reportDefault = fileURLToPath(new URL('../report', import.meta.url))

/** Without names, the workloads on whole stores. @throws Error, or TypeError, that says what is wrong */
export function parseCommandLine(args: readonly string[]): CommandLine {
  const { values, positionals } = parseArgs({
    // pnpm hands on the `--` with which npm separates its own options.
    args: args.filter((arg) => arg !== '--'),
    allowPositionals: true,
    options: {
      rounds: { type: 'string', default: String(roundsDefault) },
      size: { type: 'string', default: 'full' },
      yardsticks: { type: 'string', default: 'usual' },
      report: { type: 'string', default: reportDefault },
    },
  })
  const rounds = Number(values.rounds)
  if (!Number.isInteger(rounds) || rounds < 1 || rounds > roundsMax) {
    throw new Error(`--rounds: ${values.rounds} is not one of 1 to ${roundsMax}`)
  }
  if (!Object.hasOwn(workloadSizes, values.size)) {
    throw new Error(`--size: ${values.size} is not one of ${Object.keys(workloadSizes).join(', ')}`)
  }
  const yardsticks = yardstickChoices.find((choice) => choice === values.yardsticks)
  if (yardsticks === undefined) {
    throw new Error(`--yardsticks: ${values.yardsticks} is not one of ${yardstickChoices.join(', ')}`)
  }
  const names = positionals.length > 0 ? positionals : ['store']
  return { names, rounds, size: values.size as SizeName, yardsticks, report: values.report }
}
