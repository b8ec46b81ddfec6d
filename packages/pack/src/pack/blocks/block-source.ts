import type { FileHandle } from '../../fs/index.ts'
import type { BlockTable } from './block-table.ts'

/** What the block cache reads from. */
export interface BlockSource {
  readonly handle: FileHandle
  readonly table: BlockTable
  /** Bytes that may be read. */
  readonly end: number
  /** Whether `end` may still rise. */
  readonly isGrowing: boolean
}
