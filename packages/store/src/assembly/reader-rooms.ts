import type { RefRooms } from '../branches/index.ts'
import type { StoreCopies } from '../copies/index.ts'
import type { FilesView } from '../file-set/index.ts'
import type { BlobReader } from '../reader/index.ts'

/** The parts of one open store that everything that only reads is made of. */
export interface ReaderRooms extends RefRooms {
  readonly id: string
  /** The real path. */
  readonly folder: string
  readonly files: FilesView
  readonly blobs: BlobReader
  readonly copies: StoreCopies
  /** Lets the event loop in. */
  readonly turn: () => Promise<void>
}
