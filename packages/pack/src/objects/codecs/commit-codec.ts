import { isUtf8 } from 'node:buffer'
import { assert, tryReadU64, VarintReader, varintLength, writeU64, writeVarint } from '../../base/index.ts'
import { sha256 } from '../content-hash.ts'
import { commitDomain, placeDomain } from '../domain.ts'
import { malformed, mustHold } from '../malformed-body.ts'
import { hashSize, type RawHash, readHash, writeHash } from '../raw-hash.ts'

/** What a commit says. Its tree is a structural reference, its parents are weak: hashes only. */
export interface CommitFields {
  readonly tree: { readonly hash: RawHash; readonly offset: number }
  readonly parents: readonly RawHash[]
  readonly author: string
  /** ms since 1970, within the range of a `Date`. */
  readonly date: number
  readonly message: string
  readonly extra: Readonly<Record<string, string>>
}

export interface EncodedCommit {
  readonly hash: RawHash
  readonly body: Buffer
  readonly referenceCount: 1
}

const commitVersion = 1
/** A `Date` reaches this far from 1970 on both sides, in ms. */
const dateMsMax = 8.64e15
const offsetSize = 8
const fixedSize = 1 + hashSize + 8

/** The body of a commit's record, and the hash of its canonical part. Text is stored as UTF-8. */
export function encodeCommit(commit: CommitFields): EncodedCommit {
  assert(Number.isSafeInteger(commit.date), 'a date is whole milliseconds')
  assert(Math.abs(commit.date) <= dateMsMax, "a commit's date is within the range of dates")
  const texts = [commit.author, commit.message].map((text) => Buffer.from(text, 'utf8'))
  const extra = sortedPairs(commit.extra)
  let size = fixedSize + varintLength(commit.parents.length) + commit.parents.length * hashSize
  for (const text of texts) size += varintLength(text.length) + text.length
  size += varintLength(extra.length / 2)
  for (const text of extra) size += varintLength(text.length) + text.length
  const whole = Buffer.allocUnsafe(commitDomain.size + size + offsetSize)
  placeDomain(commitDomain, whole, commitDomain.size)
  const body = whole.subarray(commitDomain.size)
  body[0] = commitVersion
  writeHash(body, commit.tree.hash, 1)
  body.writeBigInt64LE(BigInt(commit.date), 1 + hashSize)
  let at = writeVarint(body, commit.parents.length, fixedSize)
  for (const parent of commit.parents) {
    writeHash(body, parent, at)
    at += hashSize
  }
  for (const text of texts) at = writeText(body, text, at)
  at = writeVarint(body, extra.length / 2, at)
  for (const text of extra) at = writeText(body, text, at)
  writeU64(body, commit.tree.offset, at)
  const hash = sha256(whole, 0, commitDomain.size + size)
  return { hash, body, referenceCount: 1 }
}

/** @throws MalformedBody */
export function decodeCommit(buf: Buffer, start: number, end: number): CommitFields {
  const canonicalEnd = end - offsetSize
  mustHold(canonicalEnd - start > fixedSize, 'a commit has its fixed fields')
  mustHold(buf[start] === commitVersion, 'a commit has version 1')
  const treeHash = readHash(buf, start + 1)
  const date = Number(buf.readBigInt64LE(start + 1 + hashSize))
  mustHold(Math.abs(date) <= dateMsMax, "a commit's date is within the range of dates")
  const numbers = new FieldReader(buf, start + fixedSize, canonicalEnd)
  const parents: RawHash[] = []
  for (let left = numbers.count(hashSize); left > 0; left--) parents.push(numbers.hash())
  const author = numbers.text()
  const message = numbers.text()
  const extra = readExtra(numbers)
  mustHold(numbers.isAtEnd, 'nothing follows the last field of a commit')
  const offset = tryReadU64(buf, canonicalEnd) ?? malformed('an offset is below 2^53')
  const tree = { hash: treeHash, offset }
  return { tree, parents, author, date, message, extra }
}

/** Without a prototype, so that every key is just a key. */
function readExtra(fields: FieldReader): Record<string, string> {
  const extra: Record<string, string> = Object.create(null) as Record<string, string>
  let last: Buffer | undefined
  for (let left = fields.count(2); left > 0; left--) {
    const key = fields.text()
    const bytes = Buffer.from(key)
    mustHold(last === undefined || Buffer.compare(last, bytes) < 0, 'extra keys ascend')
    last = bytes
    extra[key] = fields.text()
  }
  return extra
}

/** Reads length-prefixed fields that must end where the canonical part does. */
class FieldReader {
  readonly #buf: Buffer
  readonly #end: number
  #at: number

  constructor(buf: Buffer, start: number, end: number) {
    this.#buf = buf
    this.#at = start
    this.#end = end
  }

  get isAtEnd(): boolean {
    return this.#at === this.#end
  }

  /** A count of things that take at least `size` bytes each. */
  count(size: number): number {
    const reader = new VarintReader(this.#buf, this.#at, this.#end)
    const value = reader.next() ?? malformed('a count is a whole varint')
    this.#at = reader.position
    mustHold(value * size <= this.#end - this.#at, 'a count fits what follows')
    return value
  }

  hash(): RawHash {
    mustHold(this.#at + hashSize <= this.#end, 'a hash is whole')
    const hash = readHash(this.#buf, this.#at)
    this.#at += hashSize
    return hash
  }

  text(): string {
    const length = this.count(1)
    const from = this.#at
    this.#at += length
    mustHold(isUtf8(this.#buf.subarray(from, this.#at)), 'text is UTF-8')
    return this.#buf.toString('utf8', from, this.#at)
  }
}

/** Keys and values by turns, in byte order of the keys. */
function sortedPairs(extra: Readonly<Record<string, string>>): Buffer[] {
  const pairs = Object.entries(extra).map(([key, value]) => [Buffer.from(key), Buffer.from(value)] as const)
  pairs.sort((a, b) => Buffer.compare(a[0], b[0]))
  // Only keys with lone surrogates can differ as text and not as UTF-8.
  for (let i = 1; i < pairs.length; i++) {
    assert(!pairs[i]![0].equals(pairs[i - 1]![0]), 'extra keys differ as UTF-8')
  }
  return pairs.flat()
}

function writeText(body: Buffer, text: Buffer, at: number): number {
  const from = writeVarint(body, text.length, at)
  text.copy(body, from)
  return from + text.length
}
