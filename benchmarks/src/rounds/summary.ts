import { mean } from '../measuring/measurement.ts'
import type { Round } from './rounds.ts'

/** One figure over all rounds. */
export interface SummaryLine {
  readonly step: string
  readonly what: string
  readonly unit: string
  readonly median: number
  readonly min: number
  readonly max: number
  /** In the order of the rounds. */
  readonly values: readonly number[]
}

export interface Summary {
  readonly figures: readonly SummaryLine[]
  /** Hashes and sums that every round came to. */
  readonly proofs: Readonly<Record<string, string>>
}

/** @throws Error when two rounds, or two steps, state different proofs of the same thing */
export function summarise(rounds: readonly Round[]): Summary {
  const lines = new Map<string, { step: string; what: string; unit: string; values: number[] }>()
  const proofs: Record<string, string> = {}
  for (const round of rounds) {
    for (const { step, figures, proofs: stated } of round) {
      for (const { what, value, unit } of figures) {
        const line = lines.get(`${step} ${what}`) ?? { step, what, unit, values: [] }
        line.values.push(value)
        lines.set(`${step} ${what}`, line)
      }
      for (const [what, proof] of Object.entries(stated)) {
        proofs[what] ??= proof
        if (proofs[what] !== proof) throw new Error(`${what}: ${proof} is not the ${proofs[what]} of before`)
      }
    }
  }
  return { figures: [...lines.values()].map((line) => ({ ...line, ...spread(line.values) })), proofs }
}

function spread(values: readonly number[]): { median: number; min: number; max: number } {
  const sorted = values.toSorted((a, b) => a - b)
  const half = (sorted.length - 1) / 2
  const middle = sorted.slice(Math.floor(half), Math.ceil(half) + 1)
  return { median: mean(middle), min: sorted[0] as number, max: sorted.at(-1) as number }
}
