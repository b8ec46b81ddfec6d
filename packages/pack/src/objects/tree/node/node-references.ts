import { entryMode } from '../entry.ts'
import { readOffset } from './field.ts'
import { leafForm, leafRecordsStart, recordStart } from './leaf.ts'

/**
 * The highest offsets that a node refers to, by what they are to it; 0: no such reference. Made once and
 * reused.
 */
export interface HighestReferences {
  /** Of entries: blobs, and the roots of directories. */
  blob: number
  directory: number
  /** Of the parts of its own directory. */
  part: number
}

/** Looks through all references of the node that is bytes [start, end) of `buf`. */
export function highestReferences(
  { buf, start, end, referenceCount }: { buf: Buffer; start: number; end: number; referenceCount: number },
  into: HighestReferences,
): void {
  into.blob = into.directory = into.part = 0
  const offsets = end - 8 * referenceCount
  const isLeaf = buf[start] === leafForm
  const records = isLeaf ? leafRecordsStart(buf, start) : 0
  for (let i = 0; i < referenceCount; i++) {
    const offset = readOffset(buf, offsets + 8 * i)
    if (!isLeaf) {
      if (offset > into.part) into.part = offset
    } else if ((buf[records + recordStart(buf, start, i)]! & 7) === entryMode.directory) {
      if (offset > into.directory) into.directory = offset
    } else if (offset > into.blob) into.blob = offset
  }
}
