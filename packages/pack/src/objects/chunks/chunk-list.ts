/**
 * A large blob is a list of content-defined chunks, which are ordinary blobs. Up to 512 of them stand in the
 * blob's own record (kind bigBlob, whose hash is the content's); more of them in list records below it, 512
 * entries each.
 *
 *      0  u8       level: 0, the entries are chunks; else lists of the level below
 *      1  3        zero
 *      4  u32      n, entries: 1 to 512
 *      8  u64      length of the content
 *     16  n times: 32 hash | u64 length of what the entry stands for
 *     -- the canonical part ends --
 *     ..  n * u64  virtual offsets
 */
import { tryReadU64, writeU64 } from '../../base/index.ts'
import type { BodyView } from '../body-view.ts'
import { malformed, mustHold } from '../malformed-body.ts'
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

/** A chunk in its place: `position` is that of its first byte in the blob. */
export interface PlacedChunk extends ChunkEntry {
  readonly position: number
}

/** A list on the way to the chunks, copied, and the entry to look at next. */
interface Walk {
  readonly list: BodyView
  readonly level: number
  next: number
  position: number
}

/** The body of a list, or of a big blob's record. */
export function encodeList(level: number, entries: readonly ChunkEntry[]): Buffer {
  const body = Buffer.alloc(headSize + entries.length * (entrySize + offsetSize))
  body[0] = level
  body.writeUInt32LE(entries.length, 4)
  writeU64(body, contentLengthOf(entries), 8)
  let at = headSize
  for (const { hash, length } of entries) {
    writeHash(body, hash, at)
    writeU64(body, length, at + hashSize)
    at += entrySize
  }
  for (const { offset } of entries) {
    writeU64(body, offset, at)
    at += offsetSize
  }
  return body
}

/** All that a list says, as data: for tools. @throws MalformedBody */
export function decodeList(view: BodyView): { readonly level: number; readonly entries: ChunkEntry[] } {
  const level = checkList(view)
  return { level, entries: Array.from({ length: view.referenceCount }, (_, i) => entryAt(view, i)) }
}

/** How much content the entries stand for. */
export function contentLengthOf(entries: readonly ChunkEntry[]): number {
  return entries.reduce((total, { length }) => total + length, 0)
}

/** Length of the content of a bigBlob or list body. @throws MalformedBody */
export function listContentLength(view: BodyView): number {
  checkList(view)
  return numberAt(view, view.start + 8)
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
  const stack: Walk[] = range.from < range.to ? [walkOf(root, 0)] : []
  for (let top = stack.at(-1); top !== undefined; top = stack.at(-1)) {
    if (top.next === top.list.referenceCount || top.position >= range.to) {
      stack.pop()
      continue
    }
    const entry = entryAt(top.list, top.next++)
    const { position, level } = top
    top.position += entry.length
    if (top.position <= range.from) continue
    if (level === 0) {
      yield { ...entry, position }
      continue
    }
    const below = walkOf(readList(entry), position)
    mustHold(below.level === level - 1, 'a list is one level below the one that names it')
    mustHold(listContentLength(below.list) === entry.length, 'a list is as long as the one above says')
    stack.push(below)
  }
}

/** A view is not kept while its reader goes on, so a walk has its own copy. */
function walkOf({ buf, start, end, referenceCount }: BodyView, position: number): Walk {
  const copy = Buffer.from(buf.subarray(start, end))
  const list = { buf: copy, start: 0, end: copy.length, referenceCount }
  return { list, level: checkList(list), next: 0, position }
}

/** The level. @throws MalformedBody */
function checkList(view: BodyView): number {
  const { buf, start, end, referenceCount: n } = view
  mustHold(end - start === headSize + n * (entrySize + offsetSize), 'the parts of a chunk list fill its body')
  mustHold(n > 0 && n <= listFanOut, 'a chunk list has 1 to 512 entries')
  mustHold(buf.readUInt32LE(start + 4) === n, 'a chunk list has as many entries as references')
  const level = buf[start]!
  mustHold(level <= levelMax, 'chunk lists are at most 7 levels deep')
  mustHold((buf[start + 1]! | buf[start + 2]! | buf[start + 3]!) === 0, 'the unused bytes of a list are zero')
  let total = 0
  for (let i = 0; i < n; i++) {
    const length = numberAt(view, start + headSize + i * entrySize + hashSize)
    mustHold(length > 0, 'no entry of a chunk list is empty')
    total += length
  }
  mustHold(total === numberAt(view, start + 8), 'the entries of a list are as long as the list')
  return level
}

function entryAt(view: BodyView, index: number): ChunkEntry {
  const at = view.start + headSize + index * entrySize
  const offset = numberAt(view, view.end - (view.referenceCount - index) * offsetSize)
  return { hash: readHash(view.buf, at), offset, length: numberAt(view, at + hashSize) }
}

function numberAt({ buf }: BodyView, at: number): number {
  return tryReadU64(buf, at) ?? malformed('a number in a chunk list is below 2^53')
}
