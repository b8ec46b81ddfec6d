import { unreachable } from '../base/index.ts'
import type { StoreFile } from './file-names.ts'
import { classifyFile } from './file-names.ts'

/** The numbers of the pack files, checkpoints, and filters that a control file names. */
export interface NamedFiles {
  readonly chunks: ReadonlySet<number>
  readonly segments: ReadonlySet<number>
  readonly checkpoints: ReadonlySet<number>
  readonly filters: ReadonlySet<number>
}

/**
 * Whether opening for writing deletes this file: it is one of ours, and the control file that has just been
 * replaced and synced does not name it. Folders (`db`, `lock`, `staging`), lock owners (which have a rule of
 * their own), everything of the lower layer, and unknown files are never leftovers.
 */
export function isLeftover(file: StoreFile, named: NamedFiles): boolean {
  switch (file.kind) {
    case 'control-temporary':
    case 'spill':
      return true
    case 'chunk':
    case 'chunk-index':
      return !named.chunks.has(file.number)
    case 'segment':
    case 'segment-map':
    case 'segment-index':
      return !named.segments.has(file.number)
    case 'checkpoint':
      return !named.checkpoints.has(file.number)
    case 'filter':
      return !named.filters.has(file.number)
    case 'control':
    case 'projections':
    case 'lock':
    case 'lock-owner':
    case 'staging':
    case 'volume':
    case 'manifest':
    case 'unknown':
      return false
    default:
      return unreachable(file)
  }
}

/**
 * The highest file number that any name in the store's folder carries, 0 without one. Opening for writing
 * raises the file counter above it, so that a number seen on disk is never given to a second file.
 */
export function highestFileNumber(names: Iterable<string>): number {
  let highest = 0
  for (const name of names) {
    const file = classifyFile(name)
    if (!('number' in file) || file.kind === 'volume' || file.kind === 'manifest') continue
    if (file.number > highest) highest = file.number
  }
  return highest
}
