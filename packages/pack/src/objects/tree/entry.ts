import type { Draft } from '../body-view.ts'
import type { RawName } from '../names/raw-name.ts'
import { type RawHash, readHash } from '../raw-hash.ts'

/** What an entry is. Persistent numbers. A submodule's target is a blob that holds its id. */
export const entryMode = { file: 0, executable: 1, symlink: 2, submodule: 3, directory: 4 } as const

export type ModeNumber = 0 | 1 | 2 | 3 | 4

/** What a name in a directory stands for. */
export interface EntryTarget {
  readonly mode: ModeNumber
  /** Bytes of a blob; of a directory, the bytes of all blobs below it (at most 2^53 - 1). */
  readonly size: number
  /** Entries directly in a directory; 0 for a blob. */
  readonly count: number
  readonly hash: RawHash
  /** Of the blob, or of the directory's root node; 0 with a draft. */
  readonly offset: number
  readonly draft?: Draft
}

/** An entry by itself, as cursors and diffs hand it out. */
export interface TreeEntry extends EntryTarget {
  readonly name: RawName
}

/** One change of a directory: the name gets this target, or goes. */
export interface TreeChange {
  readonly name: RawName
  /** `undefined`: the entry is deleted; deleting what is absent changes nothing. */
  readonly target: EntryTarget | undefined
}

const noBytes = Buffer.alloc(0)

/**
 * An entry in the place where it is stored; reused from look-up to look-up, so that a look-up allocates
 * nothing. The hash stands in memory of the reader: take it before the reader is called again.
 */
export class EntryView implements EntryTarget {
  mode: ModeNumber = 0
  size = 0
  count = 0
  offset = 0
  draft: Draft = undefined
  /** The 32 bytes of the hash are at `hashStart` of `buf`. */
  buf: Buffer = noBytes
  hashStart = 0

  get hash(): RawHash {
    return readHash(this.buf, this.hashStart)
  }

  /** A copy that stays. */
  target(): EntryTarget {
    const { mode, size, count, hash, offset, draft } = this
    return { mode, size, count, hash, offset, draft }
  }
}
