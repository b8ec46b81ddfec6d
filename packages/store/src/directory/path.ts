import { VarveError } from '@varve/pack/errors'
import type { Path } from '../api/index.ts'

/**
 * One name of a path: its bytes as a latin1 string. Comparing two with `<` compares their bytes, they serve as
 * `Map` keys, and an ASCII name is the text itself.
 */
export type NameKey = string

const nameBytesMax = 1023
const slash = 0x2f

/**
 * The names of a path; none for the tree itself.
 * @throws INVALID_PATH with a hint that says what is wrong
 */
export function parsePath(path: Path): readonly NameKey[] {
  if (typeof path === 'string') return path === '' ? [] : splitText(path)
  if (!Array.isArray(path)) throw invalid(String(path), 'a path is a string or an array of names')
  const names: NameKey[] = []
  for (const name of path as readonly (string | Uint8Array)[]) {
    names.push(checked(typeof name === 'string' ? keyOfText(name, path) : keyOfBytes(name), path))
  }
  return names
}

/** The path as text, its names joined by '/'. Bytes that are no UTF-8 are replaced by U+FFFD. */
export function formatPath(names: readonly NameKey[]): string {
  return names.map(textOfKey).join('/')
}

/** A name as text. */
export function textOfKey(key: NameKey): string {
  return isAscii(key) ? key : Buffer.from(key, 'latin1').toString('utf8')
}

/** Text as a name key, for comparing with names; it need not be a legal name. */
export function keyOfPlainText(text: string): NameKey {
  return isAscii(text) ? text : Buffer.from(text, 'utf8').toString('latin1')
}

function splitText(path: string): NameKey[] {
  const names: NameKey[] = []
  let from = 0
  for (;;) {
    const to = path.indexOf('/', from)
    const name = to < 0 ? path.slice(from) : path.slice(from, to)
    names.push(checked(keyOfText(name, path), path))
    if (to < 0) return names
    from = to + 1
  }
}

function keyOfText(name: string, path: Path): NameKey {
  if (isAscii(name)) return name
  // Its UTF-8 would be that of U+FFFD, so two different texts would become one name.
  if (/\p{Surrogate}/u.test(name)) throw invalid(path, 'a name holds half of a surrogate pair')
  return Buffer.from(name, 'utf8').toString('latin1')
}

function keyOfBytes(name: unknown): NameKey {
  if (!(name instanceof Uint8Array)) throw invalid([String(name)], 'a name is text or bytes')
  return Buffer.from(name.buffer, name.byteOffset, name.byteLength).toString('latin1')
}

function checked(key: NameKey, path: Path): NameKey {
  const length = key.length
  if (length === 0) throw invalid(path, emptyNameHint(path))
  if (length > nameBytesMax) throw invalid(path, `a name is longer than ${nameBytesMax} bytes`)
  for (let at = 0; at < length; at++) {
    const byte = key.charCodeAt(at)
    if (byte === 0) throw invalid(path, 'a name holds a NUL byte')
    if (byte === slash) throw invalid(path, "a name in an array holds '/'")
  }
  if (key === '.' || key === '..') throw invalid(path, `'${key}' is no name; a path has no relative parts`)
  return key
}

function emptyNameHint(path: Path): string {
  if (typeof path !== 'string') return 'a name is empty'
  if (path.startsWith('/')) return "a path does not begin with '/'"
  return path.endsWith('/') ? "a path does not end in '/'" : "a name between two '/' is empty"
}

function isAscii(text: string): boolean {
  for (let at = 0; at < text.length; at++) if (text.charCodeAt(at) > 0x7f) return false
  return true
}

function invalid(path: Path, hint: string): VarveError<'INVALID_PATH'> {
  return new VarveError('INVALID_PATH', { path, hint })
}
