import type { IndexKind } from '@varve/pack/objects'
import type { CheckpointPlace, ChunkPlace, SegmentPlace } from '../job/index.ts'

/**
 * The pack files of one layer: of the store's own folder, or of a volume. Each layer is closed under
 * structural references, but for what the upper one may have in a volume.
 */
export interface LayerFiles {
  /** As a real path. */
  readonly folder: string
  /** In front of file names in findings: '' for the upper layer, 'volume-1/' for a volume. */
  readonly prefix: string
  /** 32 hexadecimal digits. */
  readonly storeId: string
  /** Ascending; of the open chunk as many bytes as are to be checked, up to the border of a batch. */
  readonly chunks: readonly ChunkPlace[]
  /** Numbers of the chunks that have no index: the open one, and those that still wait for theirs. */
  readonly unindexed: readonly number[]
  readonly segments: readonly SegmentPlace[]
  readonly checkpoint?: CheckpointPlace | undefined
}

/** A file beside control that says which hashes a volume does not hold. */
export interface CheckedFilter {
  readonly number: number
  /** Id of the volume. */
  readonly volume: number
}

/** What a check is told, as plain data. */
export interface CheckJob {
  /** The upper layer first. Its metadata are the roots. */
  readonly layers: readonly LayerFiles[]
  /** The folder whose control file is checked too. */
  readonly controlFolder?: string | undefined
  /** In that folder. */
  readonly filters?: readonly CheckedFilter[] | undefined
  /**
   * Objects whose hash is computed again: 0 none, 1 all, between them that part, chosen by the hashes, so
   * that two checks choose the same.
   */
  readonly hashedPart: number
  /**
   * There are volumes that are not among the layers: a reference below the boundary that leads nowhere may
   * lead into one of them, and is no finding.
   */
  readonly hasVolumesAway?: boolean | undefined
  /**
   * Ends once every file is open, when one is missing: whoever asked looks first whether a collection has
   * come between.
   */
  readonly endsWhereMissing?: boolean | undefined
  /**
   * Memory for the look-up of references, in bytes; with less of it than the store needs, some 11 bytes an
   * object, references are looked up part by part. Default 64 MiB. Besides, 2 bytes an object are held.
   */
  readonly memoryBytesMax?: number | undefined
}

/** Something that is not as it was written, or not where it should be. */
export interface CheckFinding {
  /** `warning`: nothing depends on it, or it makes itself anew. */
  severity: 'error' | 'warning'
  /** As it is called in the store's folder. */
  readonly file: string
  /** In the file, in bytes. */
  readonly offset: number
  /** Hexadecimal. Of the object that is damaged or missing, where it is known. */
  hash?: string
  what: string
  /** Whether what is here suffices to make it whole. */
  repairable: boolean
  /** It is not known either what else was there, as nothing else lists it. */
  isDoubt?: boolean
  /** Where the object was, newest commits first; at most `lostListedMax`. Without it nothing is lost. */
  lost?: { readonly commit: string; readonly path: string }[]
}

/** An object that somebody refers to and that is damaged or gone. */
export interface WantedObject {
  readonly kind: IndexKind
  /** Hexadecimal. */
  readonly hash: string
  /** Of the layer. */
  readonly prefix: string
  /** Of the finding. */
  readonly file: string
}

/** A record where something is damaged, and the object that it was by the word of a reference to it. */
export interface NamedDamage {
  /** Of the layer. */
  readonly prefix: string
  /** Virtual. */
  readonly offset: number
  readonly kind: IndexKind
  /** Hexadecimal. */
  readonly hash: string
}

export const wantedMax = 10_000
export const namedMax = 10_000
export const brokenMax = 10_000

/** At most so many losses are listed with a finding. */
export const lostListedMax = 20

/** At most so many findings are listed; the others are counted. */
export const findingsListedMax = 1000

export interface CheckProgress {
  readonly phase: 'files' | 'references' | 'content'
  readonly done: number
  readonly total: number
  /** Read so far. */
  readonly bytesDone: number
  readonly etaMs: number | undefined
}

export interface CheckResult {
  readonly findings: readonly CheckFinding[]
  /** Findings that are not listed. */
  readonly omitted: number
  /** Whole objects, in all layers. */
  readonly objects: number
  /** Of the pack files. */
  readonly bytes: number
  /** Objects whose hash was computed again. */
  readonly hashed: number
  /** Objects of which the layer that refers to them has no whole record: at most `wantedMax`. */
  readonly wanted: readonly WantedObject[]
  /** At most `namedMax`. */
  readonly named: readonly NamedDamage[]
  /** Hashes of commits that need one of these, newest first, hexadecimal; at most `brokenMax`. */
  readonly broken: readonly string[]
  /** Names of files that were not there when the check opened them: damage, unless control has changed. */
  readonly missing: readonly string[]
}
