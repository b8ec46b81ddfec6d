import { expect, test } from 'vitest'
import { formatBytes } from './byte-size.ts'

test.each([
  [0, '0 B'],
  [1_023, '1023 B'],
  [1_024, '1.00 KiB'],
  [10_239, '10.0 KiB'],
  [1_022_976, '999 KiB'],
  [1_023_999, '0.98 MiB'],
  [64 * 2 ** 20, '64.0 MiB'],
  [2 ** 30, '1.00 GiB'],
  [2 ** 53, '8.00 PiB'],
  [-1_536, '-1.50 KiB'],
])('%d bytes read as %s', (size, text) => {
  expect(formatBytes(size)).toBe(text)
})
