/** The metadata state at the end of the log: the checkpoint, and every metadata record after it. */
import { VarveError } from '@varve/pack/errors'
import type { FileSystem } from '@varve/pack/fs'
import { type ControlState, MetaState, type RecordReader, readCheckpoint } from '@varve/pack/pack'
import type { OpenPacks } from './open-packs.ts'

export interface LoadMetadataOptions {
  readonly fs: FileSystem
  readonly folder: string
  readonly storeId: Buffer
  readonly control: ControlState
  readonly packs: OpenPacks
  readonly records: RecordReader
  /** Told of each metadata record that is damaged, and of each range that may hide one. */
  readonly onDamage: (error: VarveError<'CORRUPT'>) => void
}

export interface LoadedMetadata {
  readonly state: MetaState
  /**
   * Damage in the log that has, or may have, taken metadata records: what is said of a key below `below` may
   * not be the last that was said.
   */
  readonly doubt: MetadataDoubt | undefined
}
export interface MetadataDoubt {
  /** Virtual. */
  readonly below: number
  readonly error: VarveError<'CORRUPT'>
}

/**
 * What a damaged record said is lost, what others say holds: records are absolute.
 * @throws CORRUPT when the checkpoint is damaged
 */
export async function loadMetadata(o: LoadMetadataOptions): Promise<LoadedMetadata> {
  const { fs, folder, storeId, control, packs } = o
  const loading = new Loading(o, control.checkpoint?.position ?? 0)
  try {
    if (control.checkpoint !== null) {
      for await (const entry of readCheckpoint(fs, { folder, storeId, ...control.checkpoint })) {
        loading.state.put(entry)
      }
    }
  } catch (error) {
    throw VarveError.is(error, 'CORRUPT') ? checkpointDamaged(error) : error
  }
  for (const { number } of control.chunks) {
    const index = packs.indexes.find((file) => file.number === number)
    if (index !== undefined) loading.apply(index.metadataOffsets())
  }
  loading.apply(packs.recovered.contents.metadata.toArray())
  for (const { end, error } of packs.lost) loading.lose({ below: end, error })
  return { state: loading.state, doubt: loading.doubt }
}

/** The log that it was made from is gone, and projections decide nothing: it cannot be made anew. */
export function checkpointDamaged(error: VarveError<'CORRUPT'>): VarveError<'CORRUPT'> {
  const hint =
    'It says where branches and tags are, and nothing else does. Put the file back from a copy of the store: ' +
    'nothing has been changed, and the store opens when it is there.'
  return new VarveError('CORRUPT', error.details, { message: error.message, hint, cause: error })
}

class Loading {
  readonly state = new MetaState()
  doubt: MetadataDoubt | undefined
  readonly #o: LoadMetadataOptions
  readonly #from: number

  constructor(o: LoadMetadataOptions, from: number) {
    this.#o = o
    this.#from = from
  }

  apply(offsets: Float64Array): void {
    for (const offset of offsets) {
      if (offset < this.#from) continue
      try {
        this.state.apply(this.#o.records.record(offset))
      } catch (error) {
        if (!VarveError.is(error, 'CORRUPT')) throw error
        this.lose({ below: offset + 1, error })
      }
    }
  }

  lose(damage: MetadataDoubt): void {
    if (damage.below <= this.#from) return
    this.#o.onDamage(damage.error)
    if (this.doubt === undefined || damage.below > this.doubt.below) this.doubt = damage
  }
}
