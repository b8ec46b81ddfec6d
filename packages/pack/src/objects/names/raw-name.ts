import { VarveError } from '../../errors/index.ts'

/**
 * The bytes of a name as characters U+0000–U+00FF, one a byte ('latin1'). ASCII text is its own raw name.
 * Strings compare, sort, and key a `Map` by bytes this way, several times faster than buffers.
 */
export type RawName = string

export const nameSizeMax = 1_023

/**
 * Raw name of text (as UTF-8; lone surrogates become U+FFFD) or of exact bytes. Not checked: see `checkName`.
 */
export function toRawName(name: string | Uint8Array): RawName {
  if (typeof name === 'string') return isAscii(name) ? name : Buffer.from(name, 'utf8').toString('latin1')
  return Buffer.from(name.buffer, name.byteOffset, name.byteLength).toString('latin1')
}

/** The name as text; bytes that are no UTF-8 become U+FFFD. */
export function rawNameText(name: RawName): string {
  return isAscii(name) ? name : Buffer.from(name, 'latin1').toString('utf8')
}

/** The exact bytes of the name. */
export function rawNameBytes(name: RawName): Buffer {
  return Buffer.from(name, 'latin1')
}

/** @throws INVALID_PATH unless the name is 1–1,023 bytes without '/' and NUL, and not '.' or '..'. */
export function checkName(name: RawName): void {
  const fault = nameFault(name)
  if (fault === undefined) return
  throw new VarveError('INVALID_PATH', { path: rawNameText(name), hint: fault })
}

export function isLegalName(name: RawName): boolean {
  return nameFault(name) === undefined
}

/** The broken rule as a sentence; `undefined` for a legal name. */
function nameFault(name: RawName): string | undefined {
  if (name.length === 0) return 'a name has at least one byte'
  if (name.length > nameSizeMax) return `a name has at most ${nameSizeMax} bytes; this one has ${name.length}`
  if (name === '.' || name === '..') return "'.' and '..' are no names"
  if (name.includes('/')) return "a name has no '/'"
  if (name.includes('\0')) return 'a name has no NUL'
  return undefined
}

function isAscii(text: string): boolean {
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) > 127) return false
  return true
}
