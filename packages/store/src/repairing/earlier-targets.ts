/** Where refs were before, as far as the log still says so: later records have superseded these. */
import { VarveError } from '@varve/pack/errors'
import type { FileSystem } from '@varve/pack/fs'
import { MalformedBody, metaTable, type RawHash, recordKind } from '@varve/pack/objects'
import {
  type ControlState,
  entryOf,
  type OpenedChunkFile,
  openChunkFile,
  type RecordCursor,
  type ScannedBatch,
  scanChunk,
} from '@varve/pack/pack'
import { refOf } from '../refs/index.ts'

export interface ReadLog {
  readonly fs: FileSystem
  readonly folder: string
  readonly control: ControlState
  /** Virtual offset. */
  readonly end: number
}

/**
 * Commits that these refs have named, newest first.
 * @throws what the file system throws
 */
export async function earlierTargets(
  log: ReadLog,
  keys: ReadonlySet<string>,
): Promise<ReadonlyMap<string, readonly RawHash[]>> {
  const found = new Map<string, RawHash[]>()
  for (const chunk of keys.size === 0 ? [] : log.control.chunks) {
    const storeId = Buffer.from(log.control.storeId, 'hex')
    const opened = await openedOrDamaged(log, { ...chunk, storeId })
    if (opened === undefined) continue
    const { handle, header, size } = opened
    try {
      const end = Math.min(log.end, chunk.base + (chunk.length ?? size))
      for await (const step of scanChunk({ handle, header, end })) {
        if (step.kind === 'batch') addTargets(found, step.batch, keys)
      }
    } finally {
      await handle.close()
    }
  }
  for (const hashes of found.values()) hashes.reverse()
  return found
}

function addTargets(found: Map<string, RawHash[]>, batch: ScannedBatch, keys: ReadonlySet<string>): void {
  for (const record = batch.records(); record.next(); ) {
    if (record.kind !== recordKind.meta) continue
    const { key, target } = refIn(record) ?? {}
    if (key === undefined || target === undefined || !keys.has(key)) continue
    found.set(key, [...(found.get(key) ?? []), target.hash])
  }
}

function refIn(record: RecordCursor): ReturnType<typeof refOf> | undefined {
  const body = Buffer.from(record.bytes.subarray(record.bodyStart, record.bodyEnd))
  try {
    const entry = entryOf(body, record.referenceCount, record.offset)
    return entry.table === metaTable.refs ? refOf(entry) : undefined
  } catch (error) {
    if (error instanceof MalformedBody) return undefined
    throw error
  }
}

async function openedOrDamaged(
  { fs, folder }: ReadLog,
  expected: Parameters<typeof openChunkFile>[2],
): Promise<OpenedChunkFile | undefined> {
  try {
    return await openChunkFile(fs, folder, expected, 'read')
  } catch (error) {
    if (VarveError.is(error, 'CORRUPT')) return undefined
    throw error
  }
}
