/**
 * Reads what `git cat-file --batch` prints: for each object one line `<id> <type> <size>`, its content, a
 * newline; or `<id> missing`. Content is handed out as views into one reused buffer, so nothing is allocated
 * per byte, and every object is proved against its id on the way: Git itself does not do that when it reads.
 */
import { createHash, hash } from 'node:crypto'
import type { Readable } from 'node:stream'
import { assert } from '@varve/pack/base'
import { GitFailed } from './git-failed.ts'
import { algorithmOf, type GitObjectType, type IdSize } from './git-id.ts'

/** A blob larger than this is streamed and never held whole. */
export const LARGE_BYTES: number = 4 * 1024 * 1024

const BUFFER_BYTES_MIN = 256 * 1024
const HEADER_BYTES_MAX = 128
const LF = 10
const SPACE = 32
const ENDED = 'ended in the middle of an object'

/**
 * One answer. Its bytes hold until the next batch is asked for; `content` of a large one must be read to its
 * end.
 */
export type GitObject =
  | { readonly kind: 'object'; readonly id: string; readonly type: GitObjectType; readonly content: Buffer }
  | {
      readonly kind: 'large'
      readonly id: string
      readonly size: number
      readonly content: AsyncIterable<Buffer>
    }
  /** Git has no such object, or its bytes are not those of the id. */
  | { readonly kind: 'missing'; readonly id: string }

export class ObjectStream {
  readonly #chunks: AsyncIterator<Buffer>
  readonly #algorithm: 'sha1' | 'sha256'
  readonly #idChars: number
  #buffer: Buffer = Buffer.allocUnsafe(BUFFER_BYTES_MIN)
  #start = 0
  #end = 0
  #isLargeOpen = false

  constructor(stdout: Readable, idSize: IdSize) {
    this.#chunks = stdout[Symbol.asyncIterator]() as AsyncIterator<Buffer>
    this.#algorithm = algorithmOf(idSize)
    this.#idChars = idSize * 2
  }

  /** The next objects, at least one; `undefined` when git has said all it had to say. */
  async next(): Promise<GitObject[] | undefined> {
    assert(!this.#isLargeOpen, 'a large object is read to its end')
    for (;;) {
      const batch = this.#parse()
      if (batch.length > 0) return batch
      const large = this.#large()
      if (large !== undefined) return [large]
      if (await this.#fill()) continue
      if (this.#start < this.#end) throw new GitFailed('cat-file', ENDED)
      return undefined
    }
  }

  /** All whole objects that are in the buffer. */
  #parse(): GitObject[] {
    const batch: GitObject[] = []
    for (;;) {
      const header = this.#header()
      if (header === undefined) return batch
      if (header.type === undefined) {
        this.#start = header.contentAt
        batch.push({ kind: 'missing', id: header.id })
        continue
      }
      const end = header.contentAt + header.size
      if (isLarge(header) || end >= this.#end) return batch
      assert(this.#buffer[end] === LF, 'a newline ends an object')
      this.#start = end + 1
      batch.push(this.#proved(header.id, header.type, header.contentAt, end))
    }
  }

  #proved(id: string, type: GitObjectType, contentAt: number, end: number): GitObject {
    // Git's own header takes the place of the line's end, right before the content: one call hashes both.
    const header = `${type} ${end - contentAt}\0`
    const start = contentAt - header.length
    this.#buffer.write(header, start, 'latin1')
    const actual = hash(this.#algorithm, this.#buffer.subarray(start, end), 'hex')
    if (actual !== id) return { kind: 'missing', id }
    return { kind: 'object', id, type, content: this.#buffer.subarray(contentAt, end) }
  }

  #header(): Header | undefined {
    const lineEnd = this.#buffer.indexOf(LF, this.#start)
    if (lineEnd < 0 || lineEnd >= this.#end) {
      assert(this.#end - this.#start < HEADER_BYTES_MAX, 'the line of an object is short')
      return undefined
    }
    const idEnd = this.#start + this.#idChars
    assert(idEnd < lineEnd && this.#buffer[idEnd] === SPACE, 'a line begins with an id')
    const id = this.#buffer.toString('latin1', this.#start, idEnd)
    const [type, size] = this.#buffer.toString('latin1', idEnd + 1, lineEnd).split(' ')
    if (size === undefined) {
      assert(type === 'missing', 'an object without a size is missing')
      return { id, type: undefined, size: 0, contentAt: lineEnd + 1 }
    }
    return { id, type: type as GitObjectType, size: Number(size), contentAt: lineEnd + 1 }
  }

  /** The object at the start of the buffer, if its header is there and says that it is a large one. */
  #large(): GitObject | undefined {
    const header = this.#header()
    if (header === undefined || !isLarge(header)) return undefined
    this.#start = header.contentAt
    this.#isLargeOpen = true
    return {
      kind: 'large',
      id: header.id,
      size: header.size,
      content: this.#largeContent(header.id, header.size),
    }
  }

  async *#largeContent(id: string, size: number): AsyncGenerator<Buffer> {
    const hasher = createHash(this.#algorithm).update(`blob ${size}\0`)
    for (let left = size; left > 0; ) {
      if (this.#start === this.#end && !(await this.#fill())) throw new GitFailed('cat-file', ENDED)
      const part = this.#buffer.subarray(this.#start, Math.min(this.#end, this.#start + left))
      this.#start += part.length
      left -= part.length
      hasher.update(part)
      // A copy: the consumer may keep it while the buffer is filled again.
      yield Buffer.from(part)
    }
    if (this.#start === this.#end && !(await this.#fill())) throw new GitFailed('cat-file', ENDED)
    assert(this.#buffer[this.#start] === LF, 'a newline ends an object')
    this.#start++
    this.#isLargeOpen = false
    if (hasher.digest('hex') !== id) throw new LargeObjectDamaged(id)
  }

  /** Appends what git has printed meanwhile. False at its end. */
  async #fill(): Promise<boolean> {
    const { done, value } = await this.#chunks.next()
    if (done === true || value === undefined) return false
    const used = this.#end - this.#start
    if (used + value.length > this.#buffer.length) this.#grow(used + value.length)
    else this.#buffer.copyWithin(0, this.#start, this.#end)
    value.copy(this.#buffer, used)
    this.#start = 0
    this.#end = used + value.length
    return true
  }

  #grow(size: number): void {
    const larger = Buffer.allocUnsafe(Math.max(size, this.#buffer.length * 2))
    this.#buffer.copy(larger, 0, this.#start, this.#end)
    this.#buffer = larger
  }
}

interface Header {
  readonly id: string
  /** `undefined`: missing. */
  readonly type: GitObjectType | undefined
  readonly size: number
  readonly contentAt: number
}

/** Trees and commits are needed whole, whatever their size. */
function isLarge(header: Header): boolean {
  return header.type === 'blob' && header.size > LARGE_BYTES
}

/** The bytes of a streamed object are not those of its id; known only when all of them have passed. */
export class LargeObjectDamaged extends Error {
  override readonly name = 'LargeObjectDamaged'
  readonly id: string

  constructor(id: string) {
    super(`git object ${id} is damaged`)
    this.id = id
  }
}
