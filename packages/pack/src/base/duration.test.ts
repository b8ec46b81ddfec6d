import { expect, test } from 'vitest'
import { parseDuration } from './duration.ts'

test.each([
  [1_500, 1_500],
  [0, 0],
  ['250ms', 250],
  ['30s', 30_000],
  ['5m', 300_000],
  ['1.5h', 5_400_000],
  ['30d', 2_592_000_000],
  ['4w', 2_419_200_000],
  ['1y', 31_536_000_000],
])('%j is %d ms', (text, ms) => {
  expect(parseDuration(text)).toBe(ms)
})

test.each(['', '5', 'd', '5 d', '-5d', '5D', '5min', '1e3s', 'Infinityd', '99999999999999y', '.5h'])(
  '%j is no duration',
  (text) => {
    expect(parseDuration(text)).toBeUndefined()
  },
)

test.each([-1, Number.NaN, Number.POSITIVE_INFINITY])('the number %d is no duration', (ms) => {
  expect(parseDuration(ms)).toBeUndefined()
})
