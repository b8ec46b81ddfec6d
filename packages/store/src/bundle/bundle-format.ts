/** The bytes of a bundle; see docs/bundle.md. */
import { readU64, tryReadU64, writeU64, xxh64 } from '@varve/pack/base'
import { VarveError } from '@varve/pack/errors'
import {
  chunkBytesMax,
  hashSize,
  type RawHash,
  type RecordKind,
  readHash,
  recordKind,
  writeHash,
} from '@varve/pack/objects'
import { refKey } from '../refs/index.ts'

export const bundleVersion = 1
export const preambleBytes = 40
export const objectHeaderBytes = 48
export const trailerBodyBytes = 16
/** What stands in place of a record's kind in the trailer. */
export const trailerKind = 255
/** Tips and prerequisites together. */
export const headerBytesMax: number = 16 << 20

const magicText = 'VARVEBU1'
const checkedPreambleBytes = 32
const noteBytesMax = 1 << 20

/** A commit for which the bundle was made. */
export interface BundleTip {
  /** `heads/<name>`, `tags/<name>`, or '' for a commit without a name. */
  readonly ref: string
  readonly commit: RawHash
  /** Of an annotated tag. */
  readonly annotation:
    | { readonly message: string; readonly author: string; readonly date: number }
    | undefined
}

export interface BundleHeader {
  /** Commits that the store must hold that takes the bundle in; ascending. */
  readonly prerequisites: readonly RawHash[]
  /** Ascending by name, then by hash. */
  readonly tips: readonly BundleTip[]
}

export interface ObjectHeader {
  readonly kind: RecordKind | typeof trailerKind
  /** Of the canonical part. */
  readonly length: number
  readonly hash: RawHash
}

/** The most that the canonical part of an object may have. */
const lengthMax: ReadonlyMap<number, number> = new Map([
  [recordKind.blob, chunkBytesMax],
  // 32 entries with names of 1023 bytes, and their fixed parts.
  [recordKind.node, 64 * 1024],
  [recordKind.commit, 8_388_480],
  [recordKind.list, 16 + 512 * 40],
  [recordKind.bigBlob, 16 + 512 * 40],
  [trailerKind, trailerBodyBytes],
])

export function encodeHeader(header: BundleHeader): Buffer {
  const parts: Buffer[] = header.prerequisites.map((hash) => Buffer.from(hash, 'latin1'))
  for (const tip of header.tips) parts.push(...encodeTip(tip))
  const rest = Buffer.concat(parts)
  const preamble = Buffer.alloc(preambleBytes)
  preamble.write(magicText, 0, 'latin1')
  preamble.writeUInt32LE(bundleVersion, 8)
  preamble.writeUInt32LE(header.prerequisites.length, 12)
  preamble.writeUInt32LE(header.tips.length, 16)
  preamble.writeUInt32LE(rest.length, 20)
  preamble.writeBigUInt64LE(xxh64(rest, 0, rest.length, 0), 24)
  preamble.writeBigUInt64LE(xxh64(preamble, 0, checkedPreambleBytes, 0), checkedPreambleBytes)
  return Buffer.concat([preamble, rest])
}

/** Whether the first bytes of something, perhaps cut off, are those of a bundle. */
export function mayBeBundle(bytes: Buffer): boolean {
  return magicText.startsWith(bytes.toString('latin1', 0, Math.min(bytes.length, magicText.length)))
}

/** @throws CORRUPT when it is none of a bundle, NEWER_FORMAT */
export function decodePreamble(
  bytes: Buffer,
  fail: (what: string) => never,
): { readonly prerequisiteCount: number; readonly tipCount: number; readonly restBytes: number } {
  if (bytes.readBigUInt64LE(checkedPreambleBytes) !== xxh64(bytes, 0, checkedPreambleBytes, 0)) {
    fail('its first bytes are damaged')
  }
  const found = bytes.readUInt32LE(8)
  if (found > bundleVersion) throw new VarveError('NEWER_FORMAT', { found, supported: bundleVersion })
  if (found !== bundleVersion) fail('no version of bundles is 0')
  const restBytes = bytes.readUInt32LE(20)
  if (restBytes > headerBytesMax) fail('its header is longer than a header may be')
  return { prerequisiteCount: bytes.readUInt32LE(12), tipCount: bytes.readUInt32LE(16), restBytes }
}

/** The rest of the header. */
export function decodeHeaderRest(
  preamble: Buffer,
  rest: Buffer,
  fail: (what: string) => never,
): BundleHeader {
  const { prerequisiteCount, tipCount } = decodePreamble(preamble, fail)
  if (preamble.readBigUInt64LE(24) !== xxh64(rest, 0, rest.length, 0)) fail('its header is damaged')
  const reader = new HeaderReader(rest, fail)
  const prerequisites: RawHash[] = []
  for (let i = 0; i < prerequisiteCount; i++) {
    const hash = reader.hash()
    if (i > 0 && hash <= (prerequisites[i - 1] as RawHash)) fail('its prerequisites do not ascend')
    prerequisites.push(hash)
  }
  const tips: BundleTip[] = []
  for (let i = 0; i < tipCount; i++) {
    const tip = reader.tip()
    const before = tips[i - 1]
    if (before !== undefined && compareTips(before, tip) >= 0) fail('its tips do not ascend')
    if (tip.ref !== '' && tip.ref === before?.ref) fail('a branch or tag comes twice')
    tips.push(tip)
  }
  if (tips.length === 0) fail('it has no tip')
  reader.end()
  return { prerequisites, tips }
}

export function encodeObjectHeader(
  ordinal: number,
  o: { readonly kind: number; readonly hash: Buffer; readonly canonical: Buffer },
): Buffer {
  const frame = Buffer.alloc(objectHeaderBytes)
  frame[8] = o.kind
  frame.writeUInt32LE(o.canonical.length, 12)
  o.hash.copy(frame, 16)
  frame.writeBigUInt64LE(sumOf(frame, o.canonical, ordinal), 0)
  return frame
}

/** Refuses what no bundle has before its body is read. */
export function decodeObjectHeader(frame: Buffer, fail: (what: string) => never): ObjectHeader {
  const kind = frame[8] as number
  const length = frame.readUInt32LE(12)
  const max = lengthMax.get(kind) ?? fail(`there is no kind ${kind} of object`)
  if (length > max) fail('an object is longer than one of its kind may be')
  if ((frame[9] as number) | (frame[10] as number) | (frame[11] as number)) fail('unused bytes are not zero')
  return { kind: kind as ObjectHeader['kind'], length, hash: readHash(frame, 16) }
}

export function isWholeObject(frame: Buffer, canonical: Buffer, ordinal: number): boolean {
  return frame.readBigUInt64LE(0) === sumOf(frame, canonical, ordinal)
}

/** The body of the trailer: how many objects, and how many bytes come before it. */
export function encodeTrailer(objects: number, bytes: number): Buffer {
  const body = Buffer.alloc(trailerBodyBytes)
  writeU64(body, objects, 0)
  writeU64(body, bytes, 8)
  return body
}

export function decodeTrailer(body: Buffer): { readonly objects: number; readonly bytes: number } {
  return {
    objects: tryReadU64(body, 0) ?? -1,
    bytes: tryReadU64(body, 8) === undefined ? -1 : readU64(body, 8),
  }
}

/** By the bytes of the name, then by hash. */
export function compareTips(a: BundleTip, b: BundleTip): number {
  const order = Buffer.compare(Buffer.from(a.ref), Buffer.from(b.ref))
  if (order !== 0) return order
  return a.commit < b.commit ? -1 : Number(a.commit > b.commit)
}

/** The header's sum covers all of the frame but itself; it is not known what frames it is compared with. */
function sumOf(frame: Buffer, canonical: Buffer, ordinal: number): bigint {
  const whole = Buffer.allocUnsafe(objectHeaderBytes - 8 + canonical.length)
  frame.copy(whole, 0, 8, objectHeaderBytes)
  canonical.copy(whole, objectHeaderBytes - 8)
  return xxh64(whole, 0, whole.length, ordinal)
}

function encodeTip({ ref, commit, annotation }: BundleTip): Buffer[] {
  const name = Buffer.from(ref)
  const head = Buffer.alloc(4 + hashSize)
  head.writeUInt16LE(name.length, 0)
  head[2] = annotation === undefined ? 0 : 1
  writeHash(head, commit, 4)
  if (annotation === undefined) return [head, name]
  const [message, author] = [Buffer.from(annotation.message), Buffer.from(annotation.author)]
  const note = Buffer.alloc(16)
  note.writeBigInt64LE(BigInt(annotation.date), 0)
  note.writeUInt32LE(message.length, 8)
  note.writeUInt32LE(author.length, 12)
  return [head, name, note, message, author]
}

/** As far as a `Date` reaches, ms. */
const dateMax = 8_640_000_000_000_000n

class HeaderReader {
  readonly #bytes: Buffer
  readonly #fail: (what: string) => never
  #at = 0

  constructor(bytes: Buffer, fail: (what: string) => never) {
    this.#bytes = bytes
    this.#fail = fail
  }

  hash(): RawHash {
    return readHash(this.#take(hashSize), 0)
  }

  tip(): BundleTip {
    const head = this.#take(4 + hashSize)
    const flags = head.readUInt16LE(2)
    if (flags > 1) this.#fail('a tip has unknown flags')
    const ref = this.#ref(head.readUInt16LE(0))
    const commit = readHash(head, 4)
    if (flags === 0) return { ref, commit, annotation: undefined }
    if (!ref.startsWith('tags/')) this.#fail('only a tag is annotated')
    const note = this.#take(16)
    const date = note.readBigInt64LE(0)
    if (date > dateMax || date < -dateMax) this.#fail('the date of a tag is out of range')
    const message = this.#text(note.readUInt32LE(8))
    const author = this.#text(note.readUInt32LE(12))
    return { ref, commit, annotation: { message, author, date: Number(date) } }
  }

  end(): void {
    if (this.#at !== this.#bytes.length) this.#fail('something follows the last tip of its header')
  }

  /** '' or the key of a ref that there can be. */
  #ref(length: number): string {
    const ref = this.#text(length)
    const slash = ref.indexOf('/')
    const kind = ref.slice(0, slash)
    if (ref === '') return ref
    if (kind !== 'heads' && kind !== 'tags') this.#fail('a tip is neither a branch nor a tag')
    try {
      return refKey(kind as 'heads' | 'tags', ref.slice(slash + 1))
    } catch (error) {
      if (VarveError.is(error, 'INVALID_PATH')) this.#fail('a tip has a name that no ref can have')
      throw error
    }
  }

  #text(length: number): string {
    if (length > noteBytesMax) this.#fail('a text of its header is too long')
    const bytes = this.#take(length)
    const text = bytes.toString()
    if (!Buffer.from(text).equals(bytes)) this.#fail('a text of its header is not UTF-8')
    return text
  }

  #take(length: number): Buffer {
    const end = this.#at + length
    if (end > this.#bytes.length) this.#fail('its header ends too soon')
    const bytes = this.#bytes.subarray(this.#at, end)
    this.#at = end
    return bytes
  }
}
