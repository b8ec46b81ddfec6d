import { gitVersion } from '../git/git.ts'
import type { SizeName } from '../workloads/workload-size.ts'
import { chooseYardsticks, type YardstickChoice } from '../yardsticks/choice.ts'
import { courseOf } from './course.ts'
import { circumstances, writeReport } from './report.ts'
import { type Results, resultsOf } from './results.ts'
import { runRounds } from './rounds.ts'
import { comparisonTable, figureTable, yardstickTable } from './tables.ts'

export interface StoreBenchmarkOptions {
  readonly size: SizeName
  readonly rounds: number
  readonly yardsticks: YardstickChoice
  /** Where the report goes. */
  readonly folder: string
}

/** The workloads W1 to W5 on whole stores, and yardsticks: prints tables and writes a report. */
export async function runStoreBenchmark({ size, rounds, ...o }: StoreBenchmarkOptions): Promise<void> {
  const git = gitVersion()
  const about = circumstances({ size, rounds, git })
  const { processors, node, system, durability } = about
  console.log(
    `store: W1 to W5, size ${size}, rounds ${rounds}, durability '${durability}' (no commit waits for a sync)`,
  )
  console.log(
    `Node.js ${node}, git ${git ?? 'not found'}, ${system}, ${processors.count} × ${processors.model}`,
  )
  const { chosen, withoutGit } = chooseYardsticks(o.yardsticks, { hasGit: git !== undefined })
  if (withoutGit.length > 0) console.log(`Left out, as there is no git here: ${withoutGit.join(', ')}`)
  const interrupted = new AbortController()
  const interrupt = (): void => interrupted.abort()
  process.once('SIGINT', interrupt).once('SIGTERM', interrupt).once('SIGHUP', interrupt)
  try {
    const done = await runRounds({
      course: courseOf(chosen),
      count: rounds,
      size,
      signal: interrupted.signal,
      onStep: ({ name, round, seconds }) =>
        console.error(`round ${round + 1}: ${name.padEnd(14)} ${seconds.toFixed(1)} s`),
    })
    const results = resultsOf(done, { isFullSize: size === 'full' })
    print(results)
    console.log(`\nWritten to ${writeReport(o.folder, about, results)}`)
  } finally {
    process.off('SIGINT', interrupt).off('SIGTERM', interrupt).off('SIGHUP', interrupt)
  }
}

function print({ figures, proofs, yardsticks, comparison }: Results): void {
  console.log(`\n${figureTable(figures)}`)
  if (yardsticks.length > 0) console.log(`\n${yardstickTable(yardsticks)}`)
  if (comparison === undefined) console.log('\nNo comparison: the reference was measured at full size only.')
  else console.log(`\n${comparisonTable(comparison.workloads)}`)
  console.log()
  for (const [what, proof] of Object.entries(proofs)) console.log(`${what}: ${proof}`)
}
