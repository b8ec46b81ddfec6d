/** Runs the benchmarks whose names begin with one of the arguments; without arguments, all. */
import type { Benchmark } from './benchmark.ts'
import { gitImportBenchmark } from './git-import/git-import.ts'
import { checksumBenchmark } from './micro/checksum.ts'
import { integerBenchmark } from './micro/integers.ts'
import { treeShapeBenchmarks } from './tree-shape/tree-shape.ts'

const benchmarks: readonly Benchmark[] = [
  checksumBenchmark,
  integerBenchmark,
  ...treeShapeBenchmarks,
  gitImportBenchmark,
]

const wanted = process.argv.slice(2)
const chosen = benchmarks.filter(({ name }) => wanted.length === 0 || wanted.some((w) => name.startsWith(w)))
if (chosen.length === 0) {
  console.error(`No such benchmark. There are: ${benchmarks.map((b) => b.name).join(', ')}`)
  process.exitCode = 1
}
for (const benchmark of chosen) {
  console.log(`${benchmark.name}: ${benchmark.about}`)
  for await (const { what, value, unit } of benchmark.run()) {
    console.log(`  ${what.padEnd(44)} ${value.toPrecision(4).padStart(12)} ${unit}`)
  }
}
