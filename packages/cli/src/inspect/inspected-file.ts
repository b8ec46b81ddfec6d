import { basename, dirname } from 'node:path'
import { loadXxh64 } from '@varve/pack/base'
import { type FileSystem, NodeFileSystem } from '@varve/pack/fs'
import { classifyFile, type StoreFile } from '@varve/pack/layout'
import { CommandFailure } from '../terminal/index.ts'
import type { Finding } from './finding.ts'
import { inspectCheckpoint } from './inspect-checkpoint.ts'
import { inspectChunk } from './inspect-chunk.ts'
import { inspectControl } from './inspect-control.ts'
import { inspectIndex } from './inspect-index.ts'
import { inspectMap } from './inspect-map.ts'
import { inspectSegment } from './inspect-segment.ts'

/** Where a file is, and by its name what it is. */
export interface InspectedFile {
  readonly fs: FileSystem
  readonly folder: string
  readonly name: string
  readonly number: number
}

/**
 * What a file of a store says, in its own order, proved as it is read. Nothing but the file is looked at (a
 * segment's map lies beside it), so that one file of a broken store tells as much as it can.
 * @throws CORRUPT, NEWER_FORMAT; CommandFailure USAGE for any other file
 */
export async function* inspectFile(path: string): AsyncGenerator<Finding> {
  await loadXxh64()
  const name = basename(path)
  const kind = classifyFile(name)
  const number = 'number' in kind ? kind.number : 0
  yield* readerOf(kind, path)({ fs: new NodeFileSystem(), folder: dirname(path), name, number })
}

function readerOf(file: StoreFile, path: string): (file: InspectedFile) => AsyncIterable<Finding> {
  switch (file.kind) {
    case 'control':
      return inspectControl
    case 'chunk':
      return inspectChunk
    case 'segment':
      return inspectSegment
    case 'segment-map':
      return inspectMap
    case 'chunk-index':
    case 'segment-index':
      return inspectIndex
    case 'checkpoint':
      return inspectCheckpoint
    default:
      throw new CommandFailure('USAGE', `${path} has not the name of a file that can be inspected`, {
        hint: 'control, suffix-N.pack, gen-N.pack, gen-N.map, suffix-N.idx, gen-N.idx, meta-N.ckpt',
      })
  }
}
