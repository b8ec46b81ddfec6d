/** What a ref's metadata record says beside its target. */
import type { RefAnnotation } from './ref-store.ts'

export interface RefValue {
  /** When the ref was moved, ms since 1970. */
  readonly at: number
  readonly annotation: RefAnnotation | undefined
}

/** Never fails: what cannot be read of it is left out, since the target does not depend on it. */
export function decodeRefValue(bytes: Buffer): RefValue {
  const value = parse(bytes)
  const annotation =
    typeof value['message'] === 'string' &&
    typeof value['author'] === 'string' &&
    typeof value['date'] === 'number'
      ? { message: value['message'], author: value['author'], date: value['date'] }
      : undefined
  return { at: typeof value['at'] === 'number' ? value['at'] : 0, annotation }
}

export function encodeRefValue(value: RefValue): Buffer {
  const { at, annotation } = value
  return Buffer.from(annotation === undefined ? `{"at":${at}}` : JSON.stringify({ at, ...annotation }))
}

function parse(bytes: Buffer): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(bytes.toString())
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
  } catch {
    return {}
  }
}
