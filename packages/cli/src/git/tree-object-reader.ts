/** Git's tree objects: `<mode in octal> <name>\0<id>`, entry after entry. */
import type { IdSize } from './git-id.ts'

const SPACE = 32
const SLASH = 47
const DOT = 46
const NAME_BYTES_MAX = 1_023

const TYPE_BITS = 0o170000
const TYPE_DIRECTORY = 0o040000
const TYPE_REGULAR = 0o100000
const TYPE_SYMLINK = 0o120000
const OWNER_EXECUTE = 0o000100

/**
 * What an entry is, after Git's own reading of odd modes (a regular file is executable by its owner's bit).
 */
export type GitEntryKind = 'file' | 'executable' | 'symlink' | 'submodule' | 'directory'

/**
 * Walks the entries of one tree object without allocating: fields hold until `next` is called again.
 * `isPlain` turns false for good as soon as something was seen that Git itself would not write today (a
 * legacy mode, another order, a name twice, a name that no path can have): such a tree cannot be computed
 * again from names, kinds, and contents.
 */
export class TreeObjectReader {
  readonly bytes: Buffer
  readonly #end: number
  readonly #idSize: IdSize
  #at: number
  #previousStart = -1
  #previousEnd = -1
  #previousIsDirectory = false

  kind: GitEntryKind = 'file'
  /** Where the entry begins in `bytes`. */
  start = 0
  nameStart = 0
  nameEnd = 0
  /** Where the entry's id begins in `bytes`. */
  idAt = 0
  isNameLegal = true
  /** The names so far ascend by their bytes; Git's own order differs where a name is the start of another. */
  isAscending = true
  isPlain = true

  constructor(bytes: Buffer, range: { readonly start: number; readonly end: number }, idSize: IdSize) {
    this.bytes = bytes
    this.#at = range.start
    this.#end = range.end
    this.#idSize = idSize
  }

  /** False at the end. @throws MalformedTree */
  next(): boolean {
    if (this.#at === this.#end) return false
    this.start = this.#at
    const mode = this.#readMode()
    this.#readName()
    this.idAt = this.nameEnd + 1
    const end = this.idAt + this.#idSize
    if (end > this.#end) throw new MalformedTree()
    this.#at = end
    this.kind = kindOfMode(mode)
    if (!this.isNameLegal) this.isPlain = false
    if (this.#previousStart >= 0) this.#compare()
    this.#previousStart = this.nameStart
    this.#previousEnd = this.nameEnd
    this.#previousIsDirectory = this.kind === 'directory'
    return true
  }

  /** The name's bytes: a view. */
  get name(): Buffer {
    return this.bytes.subarray(this.nameStart, this.nameEnd)
  }

  get id(): string {
    return this.bytes.toString('hex', this.idAt, this.idAt + this.#idSize)
  }

  #readMode(): number {
    let mode = 0
    let at = this.#at
    for (; at < this.#end && this.bytes[at] !== SPACE; at++) {
      const digit = this.bytes[at]! - 48
      if (digit < 0 || digit > 7 || mode > 0o7777777) throw new MalformedTree()
      mode = mode * 8 + digit
    }
    if (at === this.#at || at >= this.#end) throw new MalformedTree()
    if (!isUsualMode(mode, at - this.#at)) this.isPlain = false
    this.nameStart = at + 1
    return mode
  }

  /** Finds the end of the name, and whether a tree of the store can have it. */
  #readName(): void {
    const { bytes, nameStart } = this
    let end = nameStart
    let hasSlash = false
    for (; end < this.#end && bytes[end] !== 0; end++) if (bytes[end] === SLASH) hasSlash = true
    const size = end - nameStart
    const isDots = bytes[nameStart] === DOT && (size === 1 || (size === 2 && bytes[nameStart + 1] === DOT))
    this.nameEnd = end
    this.isNameLegal = size > 0 && size <= NAME_BYTES_MAX && !hasSlash && !isDots
  }

  /**
   * Compares the name with the one before, in byte order and in Git's order (a directory as if it ended in
   * '/').
   */
  #compare(): void {
    const bytes = this.bytes
    let a = this.#previousStart
    let b = this.nameStart
    while (a < this.#previousEnd && b < this.nameEnd && bytes[a] === bytes[b]) {
      a++
      b++
    }
    const isAEnd = a === this.#previousEnd
    const isBEnd = b === this.nameEnd
    const plainA = isAEnd ? -1 : bytes[a]!
    const plainB = isBEnd ? -1 : bytes[b]!
    if (plainA >= plainB) this.isAscending = false
    const gitA = isAEnd ? (this.#previousIsDirectory ? SLASH : 0) : plainA
    const gitB = isBEnd ? (this.kind === 'directory' ? SLASH : 0) : plainB
    if (gitA >= gitB) this.isPlain = false
  }
}

/** The bytes are not a tree object, although their id is right. Git refuses them as well. */
export class MalformedTree extends Error {
  override readonly name = 'MalformedTree'
}

/** Whether Git writes this mode, with this many digits, today. */
function isUsualMode(mode: number, digitCount: number): boolean {
  if (mode === TYPE_DIRECTORY) return digitCount === 5
  return (
    digitCount === 6 && (mode === 0o100644 || mode === 0o100755 || mode === 0o120000 || mode === 0o160000)
  )
}

function kindOfMode(mode: number): GitEntryKind {
  const type = mode & TYPE_BITS
  if (type === TYPE_DIRECTORY) return 'directory'
  if (type === TYPE_REGULAR) return (mode & OWNER_EXECUTE) === 0 ? 'file' : 'executable'
  return type === TYPE_SYMLINK ? 'symlink' : 'submodule'
}
