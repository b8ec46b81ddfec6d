import { isUtf8 } from 'node:buffer'

/** As far as dates reach, in ms from 1970. */
const DATE_MS_MAX = 8.64e15

/** Bytes as text, and beside it the exact ones where they are no UTF-8. */
export function textFields(name: string, bytes: Buffer): Readonly<Record<string, string>> {
  const text = { [name]: bytes.toString('utf8') }
  return isUtf8(bytes) ? text : { ...text, [`${name}Bytes`]: bytes.toString('base64') }
}

/** A date, or the number where dates do not reach. */
export function timeField(ms: number): string | number {
  return Math.abs(ms) <= DATE_MS_MAX ? new Date(ms).toISOString() : ms
}
