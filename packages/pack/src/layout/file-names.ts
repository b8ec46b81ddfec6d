import { assert } from '../base/index.ts'

/**
 * File numbers come from one counter per store, are never reused, and fit the 32-bit field of a file's
 * header.
 */
export const fileNumberMax = 0xffff_ffff

/** Ids of volumes start at 1 and are small: with a file's number and kind they make one exact integer. */
export const volumeIdMax = 0x7_ffff

/** A pid on Linux is below 2^22; everything above this bound is no pid. */
const pidMax = 0x7fff_ffff

/**
 * Every name inside a store's folder. Nobody else spells one.
 * A file's name carries its number in decimal, without leading zeros.
 */
export const fileName = {
  control: 'control',
  controlTemporary: 'control.tmp',
  projections: 'db',
  lock: 'lock',
  staging: 'staging',
  chunk: (number: number): string => `suffix-${decimal(number)}.pack`,
  chunkIndex: (number: number): string => `suffix-${decimal(number)}.idx`,
  segment: (number: number): string => `gen-${decimal(number)}.pack`,
  segmentMap: (number: number): string => `gen-${decimal(number)}.map`,
  segmentIndex: (number: number): string => `gen-${decimal(number)}.idx`,
  checkpoint: (number: number): string => `meta-${decimal(number)}.ckpt`,
  /** Scratch of a running sweep; worthless after it. */
  spill: (number: number): string => `spill-${decimal(number)}.tmp`,
  /** Which hashes a part of a volume does not hold, kept above it. */
  filter: (number: number): string => `filter-${decimal(number)}.bloom`,
  lockOwner: (pid: number): string => `lock-owner-${decimal(pid)}`,
  /** In the lower layer's folder. */
  volume: (id: number): string => `volume-${decimal(id)}`,
  /** In a volume's folder. */
  manifest: (sequence: number): string => `manifest-${decimal(sequence)}`,
} as const

/** What a name stands for. `unknown`: not ours; such a file is never touched. */
export type StoreFile =
  | { readonly kind: 'control' | 'control-temporary' | 'projections' | 'lock' | 'staging' | 'unknown' }
  | { readonly kind: NumberedKind; readonly number: number }
  | { readonly kind: 'lock-owner'; readonly pid: number }

/** Files whose names carry a number. For a volume it is the volume's id, for a manifest its sequence. */
export type NumberedKind =
  | 'chunk'
  | 'chunk-index'
  | 'segment'
  | 'segment-map'
  | 'segment-index'
  | 'checkpoint'
  | 'spill'
  | 'filter'
  | 'volume'
  | 'manifest'

const fixedNames: ReadonlyMap<string, StoreFile> = new Map<string, StoreFile>([
  [fileName.control, { kind: 'control' }],
  [fileName.controlTemporary, { kind: 'control-temporary' }],
  [fileName.projections, { kind: 'projections' }],
  [fileName.lock, { kind: 'lock' }],
  [fileName.staging, { kind: 'staging' }],
])

const numberedNames: ReadonlyMap<string, NumberedKind> = new Map<string, NumberedKind>([
  ['suffix-#.pack', 'chunk'],
  ['suffix-#.idx', 'chunk-index'],
  ['gen-#.pack', 'segment'],
  ['gen-#.map', 'segment-map'],
  ['gen-#.idx', 'segment-index'],
  ['meta-#.ckpt', 'checkpoint'],
  ['spill-#.tmp', 'spill'],
  ['filter-#.bloom', 'filter'],
  ['volume-#', 'volume'],
  ['manifest-#', 'manifest'],
])

const numberPattern = /^([a-z-]+-)(0|[1-9][0-9]{0,9})(\.[a-z]+)?$/

/**
 * The inverse of {@link fileName}: what a name in a store's folder (or in a volume's) stands for.
 * Strict: a number with a leading zero, a sign, or a value above {@link fileNumberMax} makes the name
 * unknown, so that a file of somebody else is never taken for ours.
 */
export function classifyFile(name: string): StoreFile {
  const fixed = fixedNames.get(name)
  if (fixed !== undefined) return fixed
  const match = numberPattern.exec(name)
  if (match === null) return { kind: 'unknown' }
  const [, prefix = '', digits = '', extension = ''] = match
  const number = Number(digits)
  if (prefix === 'lock-owner-' && extension === '') {
    return number >= 1 && number <= pidMax ? { kind: 'lock-owner', pid: number } : { kind: 'unknown' }
  }
  const kind = numberedNames.get(`${prefix}#${extension}`)
  if (kind === undefined || number > fileNumberMax) return { kind: 'unknown' }
  return { kind, number }
}

function decimal(number: number): string {
  assert(Number.isSafeInteger(number) && number >= 0 && number <= fileNumberMax, 'a file number is a u32')
  return String(number)
}
