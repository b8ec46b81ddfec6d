const units = ['KiB', 'MiB', 'GiB', 'TiB', 'PiB'] as const

/** A size for people: '0 B', '999 B', '1.50 KiB', '64.0 MiB': three significant digits, powers of 1024. */
export function formatBytes(size: number): string {
  let value = Math.abs(size)
  let unit: string = 'B'
  for (const next of units) {
    // 999.5 would be written with four digits: the next unit takes over there.
    if (value < (unit === 'B' ? 1024 : 999.5)) break
    value /= 1024
    unit = next
  }
  const sign = size < 0 ? '-' : ''
  return unit === 'B' ? `${sign}${value} B` : `${sign}${value.toFixed(decimals(value))} ${unit}`
}

function decimals(value: number): number {
  if (value < 9.995) return 2
  return value < 99.95 ? 1 : 0
}
