import { fileName } from '@varve/pack/layout'
import type { AddressSpace, ControlState, Segment } from '@varve/pack/pack'
import type { HashIndex } from '../hash-index/index.ts'

/** The open files of a store as everything that only reads them sees them, of the moment of each question. */
export interface FilesView {
  /** Tells this opening of the store from every other: offsets mean something only with it. */
  readonly instance: object
  readonly index: HashIndex
  readonly control: ControlState
  /** @throws STORE_CLOSED */
  readonly space: AddressSpace
  readonly segments: readonly Segment[]
  /** Of the address space. */
  readonly epoch: number
  /** The files besides packs, maps, and indexes. @throws what the file system says */
  controlFiles(): readonly FileSize[]
}

export interface FileSize {
  readonly name: string
  readonly bytes: number
}

/** Names of the files of a store besides packs, maps, and indexes. */
export function namesBesidePacks({ checkpoint, volumes }: ControlState): string[] {
  const checkpoints = checkpoint === null ? [] : [fileName.checkpoint(checkpoint.number)]
  const filters = volumes.flatMap((volume) => volume.filters.map((number) => fileName.filter(number)))
  return [fileName.control, ...checkpoints, ...filters]
}
