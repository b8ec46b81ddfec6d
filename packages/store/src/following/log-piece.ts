/** A stretch of a chunk's log as one reading has found it, kept aside until it joins the view as a whole. */
import { VarveError } from '@varve/pack/errors'
import type { FileHandle } from '@varve/pack/fs'
import { fileName } from '@varve/pack/layout'
import { indexKindOf, recordKind } from '@varve/pack/objects'
import {
  type DamagedRange,
  entryOf,
  IndexEntries,
  type LogPosition,
  type MetaEntry,
  type PackHeader,
  type RecordCursor,
  readChunkLog,
  type ScanMemory,
} from '@varve/pack/pack'
import { type LostRange, lostIn, type MetadataDoubt } from '../opening/index.ts'

export interface LogPiece {
  readonly number: number
  readonly base: number
  readonly position: LogPosition
  readonly objects: IndexEntries
  readonly metadata: readonly MetaEntry[]
  /** What is damaged below what was synced. */
  readonly damage: readonly DamagedRange[]
  readonly lost: readonly LostRange[]
  /** Metadata records that are damaged or may lie in a lost range. */
  readonly doubts: readonly MetadataDoubt[]
}

export interface LogPieceOptions {
  readonly handle: FileHandle
  readonly header: PackHeader
  /** Where the piece before it ended. */
  readonly after: LogPosition | undefined
  /** In bytes; `undefined`: the chunk is open. */
  readonly sealedLength: number | undefined
  readonly memory: ScanMemory
}

/** @throws CORRUPT where the disk fails */
export async function readLogPiece(o: LogPieceOptions): Promise<LogPiece> {
  const { number, base } = o.header
  const objects = new IndexEntries()
  const metadata: MetaEntry[] = []
  const doubts: MetadataDoubt[] = []
  const addObject = (record: RecordCursor): void => {
    const kind = indexKindOf(record.kind)
    if (kind !== undefined) objects.add(kind, record.bytes, record.hashStart, record.offset)
  }
  const found = await readChunkLog({
    ...o,
    onRecord: (record) => {
      addObject(record)
      if (record.kind === recordKind.meta) metadata.push(copyOf(record))
    },
    // A look-up must meet the damage instead of finding nothing.
    onDamaged: (record) => {
      addObject(record)
      if (record.kind === recordKind.meta) doubts.push(doubtOf(number, base, record.offset))
    },
  })
  const lost = lostIn(found)
  for (const { end, error } of lost) doubts.push({ below: end, error })
  return { number, base, position: found.position, objects, metadata, damage: found.damage, lost, doubts }
}

/** That a metadata record of a chunk cannot be read: whatever was said of any key up to it may not hold. */
export function doubtOf(number: number, base: number, offset: number): MetadataDoubt {
  const error = new VarveError('CORRUPT', { file: fileName.chunk(number), offset: offset - base })
  return { below: offset + 1, error }
}

function copyOf(record: RecordCursor): MetaEntry {
  const body = Buffer.from(record.bytes.subarray(record.bodyStart, record.bodyEnd))
  return entryOf(body, record.referenceCount, record.offset)
}
