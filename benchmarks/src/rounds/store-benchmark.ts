import type { SizeName } from '../workloads/workload-size.ts'
import { circumstances, writeReport } from './report.ts'
import { runRounds } from './rounds.ts'
import { summarise } from './summary.ts'
import { markdownTable } from './table.ts'

export interface StoreBenchmarkOptions {
  readonly size: SizeName
  readonly rounds: number
  /** Where the report goes. */
  readonly folder: string
}

/** The workloads W1 to W5 on whole stores: prints a table and writes a report. */
export async function runStoreBenchmark({ size, rounds, folder }: StoreBenchmarkOptions): Promise<void> {
  const about = circumstances({ size, rounds })
  const { processors, node, system, durability } = about
  console.log(
    `store: W1 to W5, size ${size}, rounds ${rounds}, durability '${durability}' (no commit waits for a sync)`,
  )
  console.log(`Node.js ${node}, ${system}, ${processors.count} × ${processors.model}`)
  const interrupted = new AbortController()
  const interrupt = (): void => interrupted.abort()
  process.once('SIGINT', interrupt).once('SIGTERM', interrupt)
  try {
    const results = await runRounds({
      count: rounds,
      size,
      signal: interrupted.signal,
      onStep: ({ name, round, seconds }) =>
        console.error(`round ${round + 1}: ${name.padEnd(8)} ${seconds.toFixed(1)} s`),
    })
    const summary = summarise(results)
    console.log(`\n${markdownTable(summary.figures)}\n`)
    for (const [what, proof] of Object.entries(summary.proofs)) console.log(`${what}: ${proof}`)
    console.log(`\nWritten to ${writeReport(folder, about, summary)}`)
  } finally {
    process.off('SIGINT', interrupt).off('SIGTERM', interrupt)
  }
}
