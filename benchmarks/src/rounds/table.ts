import type { SummaryLine } from './summary.ts'

const digits = new Intl.NumberFormat('en', { maximumSignificantDigits: 4 })
const whole = new Intl.NumberFormat('en', { maximumFractionDigits: 1 })

/** Figures as a table in Markdown, which is as readable on a terminal as in a document. */
export function markdownTable(lines: readonly SummaryLine[]): string {
  const head = ['', 'figure', 'median', 'min', 'max', 'unit']
  const rows = lines.map((line, index) => [
    lines[index - 1]?.step === line.step ? '' : line.step,
    line.what,
    ...[line.median, line.min, line.max].map((value) => shown(value, line.unit)),
    line.unit,
  ])
  const widths = head.map((_, column) =>
    Math.max(...[head, ...rows].map((row) => (row[column] ?? '').length)),
  )
  const isNumber = (column: number): boolean => column >= 2 && column <= 4
  const drawn = (row: readonly string[]): string => {
    const cells = row.map((cell, column) => {
      const width = widths[column] as number
      return isNumber(column) ? cell.padStart(width) : cell.padEnd(width)
    })
    return `| ${cells.join(' | ')} |`
  }
  const rule = widths.map((width, column) =>
    isNumber(column) ? `${'-'.repeat(width - 1)}:` : '-'.repeat(width),
  )
  return [drawn(head), drawn(rule), ...rows.map(drawn)].join('\n')
}

/** What is only counted is shown to the last digit. */
function shown(value: number, unit: string): string {
  return (unit === '' ? whole : digits).format(value)
}
