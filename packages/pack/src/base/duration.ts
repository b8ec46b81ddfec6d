const unitMs = {
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
  y: 31_536_000_000,
} as const

/**
 * Milliseconds, or a number with its unit: '250ms', '30s', '5m', '2h', '30d', '4w', '1y' (a year has 365
 * days).
 */
export type Duration = number | `${number}${keyof typeof unitMs}`

/** In milliseconds, rounded; `undefined` for anything else than a finite duration of 0 or more. */
export function parseDuration(duration: Duration | string): number | undefined {
  if (typeof duration === 'number') return accepted(duration)
  const match = /^(\d+(?:\.\d+)?)(ms|[smhdwy])$/.exec(duration)
  if (match === null) return undefined
  const [, amount, unit] = match
  return accepted(Number(amount) * unitMs[unit as keyof typeof unitMs])
}

function accepted(ms: number): number | undefined {
  return ms >= 0 && ms <= Number.MAX_SAFE_INTEGER ? Math.round(ms) : undefined
}
