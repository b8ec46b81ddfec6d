/**
 * A large blob is a list of content-defined chunks, which are ordinary blobs. Up to 512 of them stand in the
 * blob's own record (kind bigBlob, whose hash is the content's); more of them in list records below it, 512
 * entries each. Body of both, canonical part: u8 level (0: entries are chunks) | 3 zero | u32 count | u64
 * content length | count x (32 B hash | u64 length); then count x u64 offsets.
 */
import { readU64, writeU64 } from '../../base/index.ts'
import type { BodyView } from '../body-view.ts'
import { hashCanonical, listDomain } from '../domain.ts'
import { mustHold } from '../malformed-body.ts'
import { hashSize, type RawHash, readHash, writeHash } from '../raw-hash.ts'

export const listFanOut = 512
/** 512^6 chunks are more than 2^53 bytes. */
const levelMax = 6
const headSize = 16
const entrySize = hashSize + 8
const offsetSize = 8

/** A chunk, or a list of them: where it is and how much content it stands for. */
export interface ChunkEntry {
  readonly hash: RawHash
  readonly offset: number
  readonly length: number
}

/** Takes list records, lowest first. */
export interface ListSink {
  /** `hash` is the list's own; the body is valid during the call. Gives the virtual offset. */
  putList(hash: RawHash, body: Buffer, referenceCount: number): number
}

export interface BigBlobBody {
  readonly body: Buffer
  readonly referenceCount: number
}

/** Builds the lists while chunks arrive: never more than 512 entries of each level in memory. */
export class ChunkListBuilder {
  readonly #sink: ListSink
  readonly #levels: ChunkEntry[][] = [[]]

  constructor(sink: ListSink) {
    this.#sink = sink
  }

  /** Returns true when the entries so far have just been folded into a list record. */
  add(chunk: ChunkEntry): boolean {
    return this.#addAt(0, chunk)
  }

  /** Entries that are in no list record yet, of every level. */
  pending(): ChunkEntry[] {
    return this.#levels.flat()
  }

  /** The body of the blob's own record. */
  finish(): BigBlobBody {
    let level = 0
    while (level < this.#levels.length - 1) {
      const rest = this.#levels[level] as ChunkEntry[]
      if (rest.length > 0) this.#fold(level)
      level++
    }
    const entries = this.#levels[level] as ChunkEntry[]
    return { body: encodeList(level, entries), referenceCount: entries.length }
  }

  #addAt(level: number, entry: ChunkEntry): boolean {
    const entries = (this.#levels[level] ??= [])
    let hasFolded = false
    if (entries.length === listFanOut) {
      this.#fold(level)
      hasFolded = true
    }
    entries.push(entry)
    return hasFolded
  }

  /** The level's entries become one list, an entry of the level above. */
  #fold(level: number): void {
    const entries = this.#levels[level] as ChunkEntry[]
    const body = encodeList(level, entries)
    const hash = hashCanonical(listDomain, body.subarray(0, body.length - entries.length * offsetSize))
    const offset = this.#sink.putList(hash, body, entries.length)
    const length = totalOf(entries)
    entries.length = 0
    this.#addAt(level + 1, { hash, offset, length })
  }
}

/** A chunk in its place: `position` is that of its first byte in the blob. */
export interface PlacedChunk extends ChunkEntry {
  readonly position: number
}

/** Length of the content of a bigBlob or list body. @throws MalformedBody */
export function listContentLength(view: BodyView): number {
  checkList(view)
  return readU64(view.buf, view.start + 8)
}

/**
 * The chunks that hold bytes [from, to) of the content, in order; reads only the lists on the way to them.
 * @throws MalformedBody, and what `readList` throws
 */
export function* chunksInRange(
  root: BodyView,
  range: { readonly from: number; readonly to: number },
  readList: (entry: ChunkEntry) => BodyView,
): Generator<PlacedChunk, void, undefined> {
  const stack: { view: BodyView; level: number; next: number; position: number }[] = []
  stack.push({ view: root, level: checkList(root), next: 0, position: 0 })
  for (let top = stack.at(-1); top !== undefined; top = stack.at(-1)) {
    if (top.next === top.view.referenceCount || top.position >= range.to) {
      stack.pop()
      continue
    }
    const entry = entryAt(top.view, top.next++)
    const position = top.position
    top.position += entry.length
    if (top.position <= range.from) continue
    if (top.level === 0) yield { ...entry, position }
    else stack.push(descend(readList(entry), { level: top.level - 1, entry, position }))
  }
}

function descend(
  found: BodyView,
  expected: { readonly level: number; readonly entry: ChunkEntry; readonly position: number },
): { view: BodyView; level: number; next: number; position: number } {
  const { buf, start, end, referenceCount } = found
  const view = { buf, start, end, referenceCount }
  const { level, entry, position } = expected
  mustHold(checkList(view) === level, 'a list is one level below the one that names it')
  mustHold(readU64(buf, start + 8) === entry.length, 'a list is as long as the one above says')
  return { view, level, next: 0, position }
}

/** The level. @throws MalformedBody */
function checkList(view: BodyView): number {
  const { buf, start, end, referenceCount: count } = view
  mustHold(
    end - start === headSize + count * (entrySize + offsetSize),
    'the parts of a chunk list fill its body',
  )
  mustHold(count > 0 && count <= listFanOut, 'a chunk list has 1 to 512 entries')
  mustHold(buf.readUInt32LE(start + 4) === count, 'a chunk list has as many entries as references')
  const level = buf[start] as number
  mustHold(level <= levelMax, 'chunk lists are at most 7 levels deep')
  return level
}

function entryAt(view: BodyView, index: number): ChunkEntry {
  const at = view.start + headSize + index * entrySize
  const offset = readU64(view.buf, view.end - (view.referenceCount - index) * offsetSize)
  return { hash: readHash(view.buf, at), offset, length: readU64(view.buf, at + hashSize) }
}

function encodeList(level: number, entries: readonly ChunkEntry[]): Buffer {
  const body = Buffer.alloc(headSize + entries.length * (entrySize + offsetSize))
  body[0] = level
  body.writeUInt32LE(entries.length, 4)
  writeU64(body, totalOf(entries), 8)
  let at = headSize
  for (const entry of entries) {
    writeHash(body, entry.hash, at)
    writeU64(body, entry.length, at + hashSize)
    at += entrySize
  }
  for (const entry of entries) {
    writeU64(body, entry.offset, at)
    at += offsetSize
  }
  return body
}

function totalOf(entries: readonly ChunkEntry[]): number {
  let total = 0
  for (const entry of entries) total += entry.length
  return total
}
