import { referenceSource, referenceTools } from '../yardsticks/reference.ts'
import { yardsticks as allYardsticks } from '../yardsticks/yardsticks.ts'
import { type ComparisonLine, compareWorkloads, compareYardsticks, type YardstickLine } from './comparison.ts'
import type { Round } from './rounds.ts'
import { type Summary, type SummaryLine, summarise } from './summary.ts'

/** What a run found out: of the workloads, of the machine, and against the reference. */
export interface Results extends Summary {
  readonly yardsticks: readonly (SummaryLine | YardstickLine)[]
  /** Only of the full size: the reference has no other. */
  readonly comparison?: {
    readonly reference: string
    readonly referenceTools: string
    readonly workloads: readonly ComparisonLine[]
  }
}

/** @throws Error when two rounds, or two steps, state different proofs of the same thing */
export function resultsOf(rounds: readonly Round[], o: { readonly isFullSize: boolean }): Results {
  const { figures: lines, proofs } = summarise(rounds)
  const names = new Set<string>(allYardsticks.map(({ name }) => name))
  const figures = lines.filter(({ step }) => !names.has(step))
  const measured = lines.filter(({ step }) => names.has(step))
  if (!o.isFullSize) return { figures, proofs, yardsticks: measured }
  const yardsticks = compareYardsticks(measured)
  const workloads = compareWorkloads(figures, yardsticks)
  return {
    figures,
    proofs,
    yardsticks,
    comparison: { reference: referenceSource, referenceTools, workloads },
  }
}
