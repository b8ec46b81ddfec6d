import { referenceSource, referenceTools } from '../yardsticks/reference.ts'
import type { ComparisonLine, YardstickLine } from './comparison.ts'
import type { SummaryLine } from './summary.ts'
import { type Column, markdownTable, shown } from './table.ts'

const spread: readonly Column[] = ['median', 'min', 'max'].map((title) => ({ title, isNumber: true }))
const unitColumn: Column = { title: 'unit' }

/** All figures, those of a step below its name. */
export function figureTable(lines: readonly SummaryLine[]): string {
  return markdownTable([{ title: '' }, { title: 'figure' }, ...spread, unitColumn], lines.map(figureRow))
}

/** What other programs do on this machine; against that of the reference, where it was measured there. */
export function yardstickTable(lines: readonly (SummaryLine | YardstickLine)[]): string {
  const compared = lines.filter((line) => 'reference' in line)
  const head = [{ title: 'yardstick' }, { title: 'figure' }, ...spread, unitColumn]
  if (compared.length === 0) return `Yardsticks\n\n${markdownTable(head, lines.map(figureRow))}`
  const there = ['reference', 'its min', 'its max', 'here / reference']
  const rows = compared.map((line, index) => {
    const { reference, slowdown, unit } = line
    const figures = [reference.median, reference.min, reference.max, slowdown]
    return [...figureRow(line, index, compared), ...figures.map((value) => shown(value, unit))]
  })
  const columns = [...head, ...there.map((title) => ({ title, isNumber: true }))]
  const about = `Yardsticks. Reference: ${referenceTools}, on the machine named below`
  return `${about}\n\n${markdownTable(columns, rows)}`
}

/** The workloads, plain and scaled by what the yardsticks say of the machines. */
export function comparisonTable(lines: readonly ComparisonLine[]): string {
  const head: Column[] = [
    { title: 'times as fast as the reference' },
    { title: 'here', isNumber: true },
    { title: 'reference', isNumber: true },
    unitColumn,
    { title: 'plain', isNumber: true },
    { title: 'slowdown', isNumber: true },
    { title: 'scaled', isNumber: true },
    { title: 'scaled by' },
  ]
  const rows = lines.map((line) => [
    line.label,
    shown(line.here, line.unit),
    shown(line.reference.median, line.unit),
    line.unit,
    ...[line.plain, line.slowdown, line.scaled].map((ratio) => shown(ratio, 'x')),
    line.yardsticks.length === 0 ? '–' : line.yardsticks.join(', '),
  ])
  return `Reference: ${referenceSource}\n\n${markdownTable(head, rows)}`
}

function figureRow(line: SummaryLine, index: number, lines: readonly SummaryLine[]): string[] {
  return [
    lines[index - 1]?.step === line.step ? '' : line.step,
    line.what,
    ...[line.median, line.min, line.max].map((value) => shown(value, line.unit)),
    line.unit,
  ]
}
