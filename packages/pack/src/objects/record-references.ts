import type { BodyView } from './body-view.ts'
import { malformed, mustHold } from './malformed-body.ts'
import { hashSize } from './raw-hash.ts'
import { type IndexKind, indexKind, type RecordKind, recordKind } from './record-kind.ts'
import { entryMode } from './tree/entry.ts'
import { readU32 } from './tree/node/field.ts'
import { bitCount, innerForm, innerHashStart, innerHeaderSize, innerSlots } from './tree/node/inner.ts'
import {
  leafCount,
  leafForm,
  leafHashStart,
  leafHeaderSize,
  leafRecordsStart,
  recordStart,
} from './tree/node/leaf.ts'
import { treeShape } from './tree/tree-shape.ts'

/** What a reference of a record is to, as its canonical part says. */
export interface RecordReference {
  readonly kind: IndexKind
  /** Where the 32 bytes of the hash lie in the body's buffer. */
  readonly hashStart: number
}

const listHeaderSize = 16
const listEntrySize = hashSize + 8
const listEntriesMax = 512
/** Behind the version of a commit. */
const treeHashAt = 1

/**
 * How many references belong to a record of which only the canonical part, bytes [start, end), is there. For
 * bytes that nobody has proved: a number for any input.
 * @throws MalformedBody when the part is too short to say it
 */
export function referenceCountOf(kind: RecordKind, buf: Buffer, start: number, end: number): number {
  switch (kind) {
    case recordKind.blob:
      return 0
    case recordKind.commit:
      return 1
    case recordKind.node: {
      if (end - start >= leafHeaderSize && buf[start] === leafForm) return leafCount(buf, start)
      const isInner = end - start >= innerHeaderSize && buf[start] === innerForm + treeShape.bits
      return isInner ? bitCount(innerSlots(buf, start)) : malformed('a node is a leaf or an inner node')
    }
    case recordKind.list:
    case recordKind.bigBlob: {
      mustHold(end - start >= listHeaderSize, 'a chunk list has its header')
      const count = readU32(buf, start + 4)
      mustHold(count <= listEntriesMax, 'a chunk list has at most 512 entries')
      return count
    }
    default:
      return malformed('the kind is one of an object')
  }
}

/** What each reference is to, in order; of a body that is known to be well formed. */
export function recordReferences(kind: RecordKind, body: BodyView): readonly RecordReference[] {
  const { buf, start, referenceCount: n } = body
  const all = (of: (i: number) => RecordReference): RecordReference[] =>
    Array.from({ length: n }, (_, i) => of(i))
  if (kind === recordKind.commit) return all(() => ({ kind: indexKind.tree, hashStart: start + treeHashAt }))
  if (kind === recordKind.list || kind === recordKind.bigBlob) {
    const below = buf[start] === 0 ? indexKind.blob : indexKind.list
    return all((i) => ({ kind: below, hashStart: start + listHeaderSize + i * listEntrySize }))
  }
  if (kind !== recordKind.node) return []
  if (buf[start] !== leafForm) {
    return all((i) => ({ kind: indexKind.tree, hashStart: innerHashStart(start, i) }))
  }
  const records = leafRecordsStart(buf, start)
  const hashes = leafHashStart(start, n)
  return all((i) => {
    const isDirectory = (buf[records + recordStart(buf, start, i)]! & 7) === entryMode.directory
    return { kind: isDirectory ? indexKind.tree : indexKind.blob, hashStart: hashes + i * hashSize }
  })
}
