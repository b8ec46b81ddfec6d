import { mean } from '../measuring/measurement.ts'
import {
  type ReferenceFigure,
  type ReferenceWorkload,
  referenceWorkloads,
  referenceYardsticks,
  type YardstickName,
} from '../yardsticks/reference.ts'
import type { SummaryLine } from './summary.ts'

/** A yardstick here and on the machine of the reference. */
export interface YardstickLine extends SummaryLine {
  readonly reference: ReferenceFigure
  /** How many times as long as there it took. */
  readonly slowdown: number
}

/** A workload here and by the reference. */
export interface ComparisonLine {
  readonly label: string
  readonly unit: string
  readonly here: number
  readonly reference: ReferenceFigure
  /** How many times as fast as the reference, each on its machine. */
  readonly plain: number
  /** Those of the yardsticks for such work that were measured. */
  readonly yardsticks: readonly YardstickName[]
  /** The geometric mean of theirs; none without them. */
  readonly slowdown: number | undefined
  /** How many times as fast if this machine were faster by that. */
  readonly scaled: number | undefined
}

/** @param lines of yardsticks, measured at full size */
export function compareYardsticks(lines: readonly SummaryLine[]): YardstickLine[] {
  return lines.map((line) => {
    const reference = referenceYardsticks[line.step as YardstickName]
    return { ...line, reference, slowdown: line.median / reference.median }
  })
}

/** Of those workloads that were measured, at full size. */
export function compareWorkloads(
  lines: readonly SummaryLine[],
  yardsticks: readonly YardstickLine[],
): ComparisonLine[] {
  return referenceWorkloads.flatMap((workload) => {
    const line = lines.find(({ step, what }) => step === workload.step && what === workload.what)
    return line === undefined ? [] : [compare(workload, line.median, yardsticks)]
  })
}

function compare(
  { label, unit, reference, yardsticks: wanted }: ReferenceWorkload,
  here: number,
  yardsticks: readonly YardstickLine[],
): ComparisonLine {
  const used = yardsticks.filter(({ step }) => wanted.includes(step as YardstickName))
  const slowdown = geometricMean(used.map((line) => line.slowdown))
  const plain = unit === '/s' ? here / reference.median : reference.median / here
  return {
    label,
    unit,
    here,
    reference,
    plain,
    yardsticks: used.map(({ step }) => step as YardstickName),
    slowdown,
    scaled: slowdown === undefined ? undefined : plain * slowdown,
  }
}

/** Of ratios: twice as slow and twice as fast cancel out. None of no values. */
export function geometricMean(values: readonly number[]): number | undefined {
  if (values.length === 0) return undefined
  return Math.exp(mean(values.map(Math.log)))
}
