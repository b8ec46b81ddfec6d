/**
 * Proves that a body is exactly what the writer makes of its entries, as far as the body alone can tell. For
 * bytes that nobody has proved: it reads nothing outside of the body and ends for any input. Walks need no
 * such proof of records whose checksum is right; checks, imports of foreign stores, and doubtful copies do.
 */
import type { BodyView } from '../../body-view.ts'
import { malformed, mustHold } from '../../malformed-body.ts'
import { isLegalName, nameSizeMax, type RawName } from '../../names/raw-name.ts'
import { hashSize } from '../../raw-hash.ts'
import { entryMode } from '../entry.ts'
import type { TreeShape } from '../tree-shape.ts'
import { fieldSize, readField, readOffset, readU16, totalMax } from './field.ts'
import * as inner from './inner.ts'
import * as leaf from './leaf.ts'
import { prefixSize, sharedSize } from './name-bits.ts'

/** @throws MalformedBody naming the broken rule. */
export function validateNode(body: BodyView, shape: TreeShape): void {
  const { buf, start, end } = body
  mustHold(start >= 0 && start < end && end <= buf.length, 'a node has a body')
  if (buf[start] === leaf.leafForm) validateLeaf(body, shape)
  else if (buf[start] === inner.innerForm + shape.bits) validateInner(body, shape)
  else malformed('a node is a leaf or an inner node of the shape')
  validateOffsets(body)
}

function validateLeaf({ buf, start, end, referenceCount: n }: BodyView, { leafMax }: TreeShape): void {
  mustHold(
    end - start >= leaf.leafHeaderSize + n * (2 + hashSize + 8),
    'the fixed parts of a leaf fit its body',
  )
  mustHold(
    leaf.leafCount(buf, start) === n && n <= leafMax,
    'a leaf has one reference an entry, at most leafMax',
  )
  const prefix = leaf.leafPrefixSize(buf, start)
  const records = leaf.leafPrefixStart(start, n) + prefix
  const recordsEnd = end - 8 * n
  mustHold(prefix <= nameSizeMax && records <= recordsEnd, 'the shared bytes of a leaf fit its body')
  if (n === 0) mustHold(prefix === 0, 'an empty leaf shares no bytes')
  let at = records
  for (let i = 0; i < n; i++) {
    const recordEnd = records + readU16(buf, start + leaf.leafHeaderSize + 2 * i)
    mustHold(recordEnd > at && recordEnd <= recordsEnd, 'records follow one another within their leaf')
    validateRecord(buf, at, recordEnd)
    at = recordEnd
  }
  mustHold(at === recordsEnd, 'the records of a leaf fill it')
  validateNames(buf, start, n)
}

function validateRecord(buf: Buffer, at: number, end: number): void {
  const head = buf[at]!
  const mode = head & 7
  const sizeSize = (head >>> 3) & 7
  const countSize = leaf.countFieldSize(head)
  mustHold(mode <= entryMode.directory, 'an entry has a known mode')
  mustHold(mode === entryMode.directory || countSize === 0, 'only a directory has a count')
  mustHold(at + 1 + sizeSize + countSize <= end, 'the fields of an entry fit its record')
  mustHold(isShortestAt(buf, at + 1, sizeSize), 'a size takes the fewest bytes')
  const count = readField(buf, at + 1 + sizeSize, countSize)
  mustHold(
    countSize === 6 ? fieldSize(count) > 2 : fieldSize(count) === countSize,
    'a count takes the fewest bytes',
  )
  mustHold(readField(buf, at + 1, sizeSize) <= totalMax, 'a size is below 2^53')
}

function validateNames(buf: Buffer, start: number, n: number): void {
  let last: RawName = ''
  let first: RawName = ''
  for (let i = 0; i < n; i++) {
    const name = leaf.leafName(buf, start, i)
    mustHold(isLegalName(name), 'a name is legal')
    mustHold(name > last, 'names ascend')
    if (i === 0) first = name
    last = name
  }
  mustHold(
    sharedSize(first, last) === leaf.leafPrefixSize(buf, start),
    'the shared bytes are all that are shared',
  )
}

function validateInner(body: BodyView, { bits, leafMax }: TreeShape): void {
  const { buf, start, end, referenceCount: n } = body
  mustHold(end - start >= inner.innerHeaderSize, 'an inner node has its header')
  const slots = inner.innerSlots(buf, start)
  const at = inner.innerAt(buf, start)
  mustHold(bits === 5 || slots < 2 ** (2 ** bits), 'the slots in use exist')
  mustHold(n >= 2 && inner.bitCount(slots) === n, 'an inner node has one reference a slot, at least two')
  mustHold(at % bits === 0 && at < nameSizeMax * 8, 'the split is at a multiple of the bits, within a name')
  const countSize = inner.countSize(buf, start)
  const bytesSize = inner.bytesSize(buf, start)
  mustHold(countSize >= 1 && countSize <= 7 && bytesSize >= 1 && bytesSize <= 7, 'fields have 1 to 7 bytes')
  const size = inner.innerHeaderSize + n * (hashSize + countSize + bytesSize + 8) + prefixSize(at)
  mustHold(end - start === size, 'the parts of an inner node fill its body')
  validateChildFields(body, leafMax)
  validatePrefix(buf, inner.innerPrefixStart(buf, start, n), at)
}

function validateChildFields(body: BodyView, leafMax: number): void {
  let countMax = 0
  let bytesMax = 0
  for (let i = 0; i < body.referenceCount; i++) {
    const count = inner.childCount(body, i)
    mustHold(count > 0, 'no child is empty')
    countMax = Math.max(countMax, count)
    bytesMax = Math.max(bytesMax, inner.childBytes(body, i))
  }
  mustHold(countMax <= totalMax && bytesMax <= totalMax, 'totals are below 2^53')
  mustHold(inner.innerCount(body) > leafMax, 'an inner node has more entries than a leaf may')
  mustHold(
    inner.countSize(body.buf, body.start) === inner.innerFieldSize(countMax),
    'counts take the fewest bytes',
  )
  mustHold(
    inner.bytesSize(body.buf, body.start) === inner.innerFieldSize(bytesMax),
    'totals take the fewest bytes',
  )
}

/**
 * Whole bytes of the prefix belong to names; the last one may be cut, and where names end zero bits follow.
 */
function validatePrefix(buf: Buffer, start: number, at: number): void {
  const size = prefixSize(at)
  const rest = at & 7
  if (rest !== 0)
    mustHold((buf[start + size - 1]! & (0xff >>> rest)) === 0, 'the prefix is padded with zero bits')
  for (let i = 0; i < at >>> 3; i++) {
    mustHold(buf[start + i] !== 0 && buf[start + i] !== 47, 'the prefix is made of bytes of names')
  }
}

function validateOffsets({ buf, end, referenceCount: n, children }: BodyView): void {
  for (let i = 0; i < n; i++) {
    const offset = readOffset(buf, end - 8 * (n - i))
    const isDraft = children?.[i] !== undefined
    mustHold(offset <= totalMax && offset % 8 === 0, 'an offset is a multiple of 8 below 2^53')
    mustHold(isDraft ? offset === 0 : offset > 0, 'every reference leads somewhere')
  }
}

function isShortestAt(buf: Buffer, at: number, size: number): boolean {
  return size === 0 || buf[at + size - 1] !== 0
}
