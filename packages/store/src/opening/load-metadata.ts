/** The metadata state at the end of the log: the checkpoint, and every metadata record after it. */
import { VarveError } from '@varve/pack/errors'
import type { FileSystem } from '@varve/pack/fs'
import {
  type ControlState,
  type IndexFile,
  MetaState,
  type RecordReader,
  readCheckpoint,
} from '@varve/pack/pack'

export interface LoadMetadataOptions {
  readonly fs: FileSystem
  readonly folder: string
  readonly storeId: Buffer
  readonly control: ControlState
  /** Of sealed chunks and segments. */
  readonly indexes: readonly IndexFile[]
  /** Metadata records of the open chunk, ascending. */
  readonly openOffsets: Float64Array
  readonly records: RecordReader
  /** A metadata record that is damaged: what it said is lost, what others say holds. */
  readonly onDamage: (error: VarveError<'CORRUPT'>) => void
}

/** @throws CORRUPT when the checkpoint is damaged */
export async function loadMetadata(o: LoadMetadataOptions): Promise<MetaState> {
  const state = new MetaState()
  const { checkpoint, chunks } = o.control
  const from = checkpoint?.position ?? 0
  if (checkpoint !== null) {
    const place = { folder: o.folder, number: checkpoint.number, position: from, storeId: o.storeId }
    for await (const entry of readCheckpoint(o.fs, place)) state.put(entry)
  }
  const chunkNumbers = new Set(chunks.map((chunk) => chunk.number))
  for (const index of [...o.indexes].reverse()) {
    if (chunkNumbers.has(index.number)) apply(o, state, { offsets: index.metadataOffsets(), from })
  }
  apply(o, state, { offsets: o.openOffsets, from })
  return state
}

function apply(
  o: LoadMetadataOptions,
  state: MetaState,
  { offsets, from }: { readonly offsets: Float64Array; readonly from: number },
): void {
  for (const offset of offsets) {
    if (offset < from) continue
    try {
      state.apply(o.records.record(offset))
    } catch (error) {
      if (!VarveError.is(error, 'CORRUPT')) throw error
      o.onDamage(error)
    }
  }
}
