/** The metadata state at the end of the log: the checkpoint, and every metadata record after it. */
import { VarveError } from '@varve/pack/errors'
import type { FileSystem } from '@varve/pack/fs'
import { fileName } from '@varve/pack/layout'
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
  if (control.checkpoint !== null) {
    for await (const entry of readCheckpoint(fs, { folder, storeId, ...control.checkpoint })) {
      loading.state.put(entry)
    }
  }
  for (const { number, base, length } of control.chunks) {
    const index = packs.indexes.find((file) => file.number === number)
    if (index === undefined || length === null) continue
    loading.apply(index.metadataOffsets())
    if (index.packLength < length) {
      const error = new VarveError('CORRUPT', { file: fileName.chunk(number), offset: index.packLength })
      loading.lose({ below: base + length, error })
    }
  }
  loading.apply(packs.recovered.contents.metadata.toArray())
  loading.loseRanges(packs.recovered)
  return { state: loading.state, doubt: loading.doubt }
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

  /**
   * Where no record can be told from the next there may have been metadata. These have been reported before.
   */
  loseRanges({ damage, damageCount, file, base, end }: OpenPacks['recovered']): void {
    const isAllListed = damage.length === damageCount
    const last = damage.findLast(({ what }) => what === 'batch')
    if (last === undefined && isAllListed) return
    const below = isAllListed && last !== undefined ? last.end : end
    const offset = last === undefined ? 0 : last.start - base
    const doubt = { below, error: new VarveError('CORRUPT', { file, offset }) }
    if (this.doubt === undefined || below > this.doubt.below) this.doubt = doubt
  }
}
