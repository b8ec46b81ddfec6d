import { readU64 } from '@varve/pack/base'
import type { FileSystem } from '@varve/pack/fs'
import { indexKind } from '@varve/pack/objects'
import {
  type MetaEntry,
  MetaState,
  mergeEntries,
  readCheckpoint,
  referencesOf,
  writeCheckpoint,
} from '@varve/pack/pack'
import type { CheckpointPlace } from '../job/index.ts'

/** The table of branches and tags. */
const refsTable = 1

export interface MetadataRoots {
  readonly mark: (offset: number) => void
  /** A commit that a branch or tag names. */
  readonly ref: (offset: number) => void
}

/** The body of a metadata record, wherever it was read. */
export interface MetadataRecord {
  readonly bytes: Buffer
  readonly bodyStart: number
  readonly bodyEnd: number
  readonly referenceCount: number
  readonly offset: number
}

/**
 * The metadata state at one place of the log: the last checkpoint, and the changes since, laid over it in one
 * pass. Memory: the changed keys. Superseded entries drop out, and with them what they held.
 */
export class MetadataFold {
  readonly #changes = new MetaState({ keepsDeleted: true })

  /** @throws CORRUPT when the body is none of a metadata record */
  apply(record: MetadataRecord): void {
    const { bytes: buf, bodyStart, bodyEnd, referenceCount, offset } = record
    this.#changes.apply({ buf, bodyStart, bodyEnd, referenceCount, offset })
  }

  /**
   * Writes and syncs the checkpoint, and tells every reference of the state. Returns the number of entries.
   * @throws CORRUPT when the previous checkpoint is damaged, and what the file system throws
   */
  async write(
    fs: FileSystem,
    place: {
      readonly folder: string
      readonly storeId: Buffer
      readonly number: number
      readonly position: number
    },
    previous: CheckpointPlace | undefined,
    roots: MetadataRoots,
  ): Promise<number> {
    const { folder, storeId } = place
    const older = previous === undefined ? nothing() : readCheckpoint(fs, { folder, storeId, ...previous })
    return writeCheckpoint(fs, place, told(mergeEntries(older, this.#changes.entries()), roots))
  }
}

/** What one metadata record holds: for those after the state, which all count. */
export function tellRecord(record: MetadataRecord, roots: MetadataRoots): void {
  const { bytes, bodyStart, bodyEnd, referenceCount } = record
  const isRef = bytes[bodyStart] === refsTable
  for (let at = bodyEnd - 8 * referenceCount; at < bodyEnd; at += 8) {
    const offset = readU64(bytes, at)
    roots.mark(offset)
    if (isRef) roots.ref(offset)
  }
}

async function* told(entries: AsyncIterable<MetaEntry>, roots: MetadataRoots): AsyncIterable<MetaEntry> {
  for await (const entry of entries) {
    for (const { kind, offset } of referencesOf(entry)) {
      roots.mark(offset)
      if (entry.table === refsTable && kind === indexKind.commit) roots.ref(offset)
    }
    yield entry
  }
}

async function* nothing(): AsyncIterable<MetaEntry> {}
