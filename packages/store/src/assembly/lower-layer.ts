import { resolve } from 'node:path'
import type { Clock } from '@varve/pack/base'
import type { VarveError } from '@varve/pack/errors'
import type { FileSystem } from '@varve/pack/fs'
import {
  type BlockCache,
  type ControlState,
  type FileRetirer,
  LowerSpace,
  type LowerView,
} from '@varve/pack/pack'
import { type LowerOption, lowerDirectory } from '../opening/index.ts'

export interface LowerLayerParts {
  readonly fs: FileSystem
  /** Of the store. */
  readonly folder: string
  readonly cache: BlockCache
  readonly retirer: FileRetirer
  readonly clock: Clock
  /** What the caller says of it. */
  readonly option: LowerOption | undefined
  /** Told of a file that cannot be used. */
  readonly onDamage: (file: string, error: VarveError<'CORRUPT'>) => void
}

/** The lower layer of an open store, wherever control or the caller says that it is. */
export class LowerLayer {
  readonly #parts: LowerLayerParts
  #space: LowerSpace | undefined

  constructor(parts: LowerLayerParts) {
    this.#parts = parts
  }

  /** `undefined`: the store has none. */
  space(control: ControlState): LowerSpace | undefined {
    const path = this.#pathOf(control)
    if (path === undefined || path === this.#space?.path) return this.#space
    const { fs, folder, cache, retirer, clock, onDamage } = this.#parts
    // Who still reads from where it was finds the same files where it is now.
    this.#space?.close()
    this.#space = new LowerSpace({
      ...{ fs, folder, cache, retirer, clock, storeId: Buffer.from(control.storeId, 'hex') },
      directory: lowerDirectory(fs, path),
      onFilterDamage: (error) => onDamage(error.details.file, error),
    })
    return this.#space
  }

  /** The volumes that a control names. */
  view(control: ControlState): LowerView | undefined {
    return control.volumes.length === 0 ? undefined : this.space(control)?.view(control.volumes)
  }

  /** @throws LOWER_UNAVAILABLE, CORRUPT where the caller wants that rather than an upper layer alone */
  assertAsWanted(control: ControlState): void {
    if (this.#parts.option?.missing === 'refuse') this.view(control)?.opened()
  }

  close(): void {
    this.#space?.close()
    this.#space = undefined
  }

  #pathOf(control: ControlState): string | undefined {
    const { option, folder } = this.#parts
    if (option !== undefined) return option.path
    return control.lower === null ? undefined : resolve(folder, control.lower)
  }
}
