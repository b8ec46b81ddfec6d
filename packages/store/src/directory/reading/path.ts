import { VarveError } from '@varve/pack/errors'
import { nameSizeMax, type RawName, rawNameText } from '@varve/pack/objects'
import type { Path } from '../../api/index.ts'

const slash = 0x2f
const dot = 0x2e

/**
 * The names of a path; none for the tree itself.
 * @throws INVALID_PATH with a hint that says what is wrong
 */
export function parsePath(path: Path): readonly RawName[] {
  if (typeof path === 'string') return path === '' ? [] : (splitPlain(path) ?? splitText(path))
  if (!Array.isArray(path)) throw invalid(String(path), 'a path is a string or an array of names')
  const given = path as readonly (string | Uint8Array)[]
  // Not `map`, which would pass over holes.
  const names = new Array<RawName>(given.length)
  for (let at = 0; at < given.length; at++) names[at] = parseName(given[at] as string | Uint8Array, path)
  return names
}

function parseName(name: string | Uint8Array, path: Path): RawName {
  if (typeof name !== 'string') return checked(rawOfBytes(name), path)
  return isPlain(name) ? name : checked(rawOfText(name, path), path)
}

/** The path as text, its names joined by '/'. Bytes that are no UTF-8 are replaced by U+FFFD. */
export function formatPath(names: readonly RawName[]): string {
  return names.map(rawNameText).join('/')
}

/** The error for a blob that stands where the path should find a directory. */
export function notATree(path: Path): VarveError<'NOT_A_TREE'> {
  return new VarveError('NOT_A_TREE', { path })
}

/** Most names: ASCII text without a fault. */
function isPlain(name: string): boolean {
  const { length } = name
  if (length === 0 || length > nameSizeMax || name.charCodeAt(0) === dot) return false
  for (let at = 0; at < length; at++) {
    const code = name.charCodeAt(at)
    if (code === 0 || code === slash || code > 0x7f) return false
  }
  return true
}

/**
 * Most paths: ASCII text without a fault, in one pass. Anything else is `undefined` and takes the longer way.
 */
function splitPlain(path: string): RawName[] | undefined {
  const names: RawName[] = []
  let from = 0
  for (let at = 0; at <= path.length; at++) {
    const code = at === path.length ? slash : path.charCodeAt(at)
    if (code !== slash) {
      if (code === 0 || code > 0x7f) return undefined
      continue
    }
    const name = path.slice(from, at)
    if (name.length === 0 || name.length > nameSizeMax || name === '.' || name === '..') return undefined
    names.push(name)
    from = at + 1
  }
  return names
}

function splitText(path: string): RawName[] {
  const names: RawName[] = []
  let from = 0
  for (;;) {
    const to = path.indexOf('/', from)
    const name = to < 0 ? path.slice(from) : path.slice(from, to)
    names.push(checked(rawOfText(name, path), path))
    if (to < 0) return names
    from = to + 1
  }
}

function rawOfText(name: string, path: Path): RawName {
  if (isAscii(name)) return name
  // Its UTF-8 would be that of U+FFFD, so two different texts would become one name.
  if (/\p{Surrogate}/u.test(name)) throw invalid(path, 'a name holds half of a surrogate pair')
  return Buffer.from(name, 'utf8').toString('latin1')
}

function rawOfBytes(name: unknown): RawName {
  if (!(name instanceof Uint8Array)) throw invalid([String(name)], 'a name is text or bytes')
  return Buffer.from(name.buffer, name.byteOffset, name.byteLength).toString('latin1')
}

function checked(name: RawName, path: Path): RawName {
  const length = name.length
  if (length === 0) throw invalid(path, emptyNameHint(path))
  if (length > nameSizeMax) throw invalid(path, `a name is longer than ${nameSizeMax} bytes`)
  for (let at = 0; at < length; at++) {
    const byte = name.charCodeAt(at)
    if (byte === 0) throw invalid(path, 'a name holds a NUL byte')
    if (byte === slash) throw invalid(path, "a name in an array holds '/'")
  }
  if (name === '.' || name === '..') throw invalid(path, `'${name}' is no name; a path has no relative parts`)
  return name
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
