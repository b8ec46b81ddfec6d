export interface Column {
  readonly title: string
  readonly isNumber?: boolean
}

const digits = new Intl.NumberFormat('en', { maximumSignificantDigits: 4 })
const whole = new Intl.NumberFormat('en', { maximumFractionDigits: 1 })

/** A table in Markdown, which is as readable on a terminal as in a document. */
export function markdownTable(columns: readonly Column[], rows: readonly (readonly string[])[]): string {
  const head = columns.map(({ title }) => title)
  const widths = head.map((_, column) =>
    Math.max(2, ...[head, ...rows].map((row) => (row[column] ?? '').length)),
  )
  const drawn = (row: readonly string[]): string => {
    const cells = row.map((cell, column) => {
      const width = widths[column] as number
      return columns[column]?.isNumber === true ? cell.padStart(width) : cell.padEnd(width)
    })
    return `| ${cells.join(' | ')} |`
  }
  const rule = widths.map((width, column) =>
    columns[column]?.isNumber === true ? `${'-'.repeat(width - 1)}:` : '-'.repeat(width),
  )
  return [drawn(head), drawn(rule), ...rows.map(drawn)].join('\n')
}

/** What is only counted is shown to the last digit; what was not measured, as a dash. */
export function shown(value: number | undefined, unit: string): string {
  if (value === undefined) return '–'
  return (unit === '' ? whole : digits).format(value)
}
