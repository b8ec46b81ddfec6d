import type { VarveError } from '../../errors/index.ts'
import type { IndexKind, RawHash } from '../../objects/index.ts'
import type { PackFile } from '../blocks/index.ts'
import type { Location } from './location.ts'

/** Where objects of some hash may be in one volume. */
export interface LowerCandidates {
  /** Id of the volume. */
  readonly volume: number
  /** Virtual. */
  readonly offsets: readonly number[]
}

/** Where a volume holds the byte at some offset. */
export interface LowerCopy {
  /** Id of the volume. */
  readonly volume: number
  readonly file: PackFile
  readonly position: number
}

/** What an address space knows of the lower layer, which may be away at any moment. */
export interface LowerFiles {
  /** Whether anything was found here since the store was opened. */
  readonly wasUsed: boolean
  /**
   * Fills in where the byte at the offset lies; false when no volume holds it.
   * @throws LOWER_UNAVAILABLE, CORRUPT when a volume that may hold it cannot tell
   */
  locate(offset: number, into: Location): boolean
  /**
   * Every place that holds the byte at the offset, that of `locate` first; then what stood in the way of
   * more.
   */
  copies(offset: number): Generator<LowerCopy, VarveError | undefined, undefined>
  /**
   * Where the object may be, volume by volume: fingerprints select, the record decides. Volumes that cannot
   * be asked and may hold it are passed over; what stood in the way is returned in the end.
   */
  candidates(kind: IndexKind, hash: RawHash): Generator<LowerCandidates, VarveError | undefined, undefined>
  /** The same for a hash that begins with these digits. */
  withPrefix(digits: string, limit: number): Generator<number, VarveError | undefined, undefined>
  /** Virtual offsets of all commits. */
  commits(): Generator<number, VarveError | undefined, undefined>
}
