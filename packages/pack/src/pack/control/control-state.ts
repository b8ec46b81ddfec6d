import { type NamedFiles, storeFormat } from '../../layout/index.ts'

/** What makes up a store, as plain data: everything else on disk is found from here. Offsets are virtual. */
export interface ControlState {
  /** 1 without a lower layer, 2 with one. */
  readonly format: number
  /** 32 hexadecimal digits, chosen when the store was made. */
  readonly storeId: string
  readonly hashAlgorithm: 'sha256'
  /** One more each time control is replaced. */
  readonly sequence: number
  /** One more each time the store is opened for writing. */
  readonly writerTerm: number
  /** No file has a higher number. */
  readonly fileCounter: number
  /** One more with each collection. */
  readonly epoch: number
  /** The folder of the lower layer: absolute, or below the store's own. */
  readonly lower: string | null
  /** R: everything below lives in the segments or in volumes, everything above in the chunks. */
  readonly retire: number
  /** When R was last moved, in ms since 1970; 0 before the first time. */
  readonly retireTime: number
  /** Ascending; only the last is open. */
  readonly chunks: readonly ControlChunk[]
  readonly segments: readonly ControlSegment[]
  readonly checkpoint: ControlCheckpoint | null
  /** Ascending; only the last one grows. */
  readonly volumes: readonly ControlVolume[]
  /** Of the last collection that had one. */
  readonly target: ControlTarget | null
}

export interface ControlChunk {
  readonly number: number
  readonly base: number
  /** Bytes of the file that count, header included; `null`: the chunk is open. */
  readonly length: number | null
}

export interface ControlSegment {
  readonly number: number
  /** The lowest offset in it. */
  readonly low: number
  /** Where its highest record ends. */
  readonly high: number
  /** Of its pack file. */
  readonly bytes: number
  readonly objects: number
}

/** The metadata state exactly at log position `position`. */
export interface ControlCheckpoint {
  readonly number: number
  readonly position: number
}

/**
 * An archived range of the log in the lower layer, [low, high): the same as that of the volumes before it
 * left off, and empty while nothing has been archived into it.
 */
export interface ControlVolume {
  readonly id: number
  readonly low: number
  readonly high: number
  /** The sequence of its manifest, and the XXH64 of what that says, in 16 hexadecimal digits. */
  readonly manifest: number
  readonly checksum: string
  /** Of its pack files. */
  readonly bytes: number
  /** Numbers of the files that say which hashes it does not hold. */
  readonly filters: readonly number[]
}

export interface ControlTarget {
  /** 64 hexadecimal digits. */
  readonly hash: string
  readonly offset: number
}

/** The control of a store that has just been made, with its first chunk still empty. */
export function firstControl(o: {
  readonly storeId: string
  readonly chunk: { readonly number: number; readonly base: number }
}): ControlState {
  return {
    format: storeFormat.plain,
    storeId: o.storeId,
    hashAlgorithm: 'sha256',
    sequence: 1,
    writerTerm: 1,
    fileCounter: o.chunk.number,
    epoch: 0,
    lower: null,
    retire: 0,
    retireTime: 0,
    chunks: [{ number: o.chunk.number, base: o.chunk.base, length: null }],
    segments: [],
    checkpoint: null,
    volumes: [],
    target: null,
  }
}

/** The files that a control names. */
export function namedFiles({ chunks, segments, checkpoint, volumes }: ControlState): NamedFiles {
  return {
    chunks: new Set(chunks.map(({ number }) => number)),
    segments: new Set(segments.map(({ number }) => number)),
    checkpoints: new Set(checkpoint === null ? [] : [checkpoint.number]),
    filters: new Set(volumes.flatMap(({ filters }) => filters)),
  }
}
