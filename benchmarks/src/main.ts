/**
 * Runs the benchmarks whose names begin with one of the arguments; without arguments, the workloads on whole
 * stores.
 */
import type { Benchmark } from './benchmark.ts'
import { type CommandLine, parseCommandLine } from './command-line.ts'
import { gitImportBenchmark } from './git-import/git-import.ts'
import { layerBenchmarks } from './layers/layers.ts'
import { checksumBenchmark } from './micro/checksum.ts'
import { integerBenchmark } from './micro/integers.ts'
import { runStoreBenchmark } from './rounds/store-benchmark.ts'
import { treeShapeBenchmarks } from './tree-shape/tree-shape.ts'

const storeName = 'store'
const benchmarks: readonly Benchmark[] = [
  checksumBenchmark,
  integerBenchmark,
  ...treeShapeBenchmarks,
  gitImportBenchmark,
  ...layerBenchmarks,
]

try {
  await run(parseCommandLine(process.argv.slice(2)))
} catch (error) {
  console.error(error instanceof Error ? error.message : error)
  process.exitCode = 1
}

async function run({ names, rounds, size, yardsticks, report }: CommandLine): Promise<void> {
  const all = [storeName, ...benchmarks.map(({ name }) => name)]
  const unknown = names.find((name) => !all.some((one) => one.startsWith(name)))
  if (unknown !== undefined)
    throw new Error(`No benchmark is called ${unknown}. There are: ${all.join(', ')}`)
  const isWanted = (one: string): boolean => names.some((name) => one.startsWith(name))
  if (isWanted(storeName)) await runStoreBenchmark({ size, rounds, yardsticks, folder: report })
  for (const benchmark of benchmarks.filter(({ name }) => isWanted(name))) await runPlain(benchmark)
}

async function runPlain(benchmark: Benchmark): Promise<void> {
  console.log(`${benchmark.name}: ${benchmark.about}`)
  for await (const { what, value, unit } of benchmark.run()) {
    console.log(`  ${what.padEnd(44)} ${value.toPrecision(4).padStart(12)} ${unit}`)
  }
}
