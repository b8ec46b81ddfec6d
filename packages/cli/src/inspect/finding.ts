/**
 * One thing that a file says: a line of JSON, or of a table. Bytes are hexadecimal, offsets virtual unless
 * said.
 */
export interface Finding {
  readonly type: string
  readonly [field: string]: unknown
}
