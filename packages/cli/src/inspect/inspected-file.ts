import { basename, dirname } from 'node:path'
import { loadXxh64 } from '@varve/pack/base'
import { NodeFileSystem } from '@varve/pack/fs'
import { classifyFile, type StoreFile } from '@varve/pack/layout'
import { CommandFailure } from '../terminal/index.ts'
import { FileBytes } from './file-bytes.ts'
import type { Finding, Step } from './finding.ts'
import { LineBuilder } from './lines/line-builder.ts'
import { readChunk } from './reading/packs/read-chunk.ts'
import { readSegment } from './reading/packs/read-segment.ts'
import { readCheckpoint } from './reading/read-checkpoint.ts'
import { readFilters } from './reading/read-filters.ts'
import { readIndex } from './reading/read-index.ts'
import { readMap } from './reading/read-map.ts'
import { readControl, readManifest } from './reading/read-twofold.ts'
import type { Subject } from './reading/subject.ts'

/** What is asked of an inspection. */
export interface InspectOptions {
  /** Lines that do not make the very bytes again get them in a field `raw`. Takes twice as long. */
  readonly isExact: boolean
}

/**
 * What a file of a store says, from its first byte to its last: first a line of type `inspected`, then a line
 * for each stretch of its bytes, and notes between. Nothing but the file is looked at (a segment's map lies
 * beside it), so that one file of a broken store tells as much as it can; bytes that nothing proves are told
 * as damage. Memory: what a batch, a page, or a block takes.
 * @throws NEWER_FORMAT; CommandFailure USAGE for any other file, FILE_FAILED for one that becomes shorter
 * meanwhile; and what the file system throws
 */
export async function* inspectFile(path: string, { isExact }: InspectOptions): AsyncGenerator<Finding> {
  await loadXxh64()
  const name = basename(path)
  const { kind } = classifyFile(name)
  const read = readerOf(kind, path)
  const fs = new NodeFileSystem()
  const file = await FileBytes.open(fs, path)
  try {
    yield { type: 'inspected', name, kind, size: file.size }
    if (file.size === 0) yield { type: 'problem', what: 'the file is empty' }
    const builder = isExact ? new LineBuilder() : undefined
    let position = 0
    for await (const step of read({ fs, folder: dirname(path), name, file })) {
      if (step.kind === 'note') {
        yield step.line
        continue
      }
      const { type, ...fields } = step.line
      const line = { type, position, size: step.bytes.length, ...fields }
      position += step.bytes.length
      yield builder === undefined ? line : exactLine(builder, line, step.bytes)
    }
    if (position !== file.size) throw new CommandFailure('FILE_FAILED', `${path} became shorter meanwhile`)
  } finally {
    await file.close()
  }
}

/** The line, and with it the bytes where it does not make them. */
function exactLine(builder: LineBuilder, line: Finding, bytes: Buffer): Finding {
  if (builder.makes(line, bytes)) return line
  const exact = { ...line, raw: bytes.toString('base64') }
  builder.build(exact)
  return exact
}

function readerOf(kind: StoreFile['kind'], path: string): (subject: Subject) => AsyncIterable<Step> {
  switch (kind) {
    case 'control':
    case 'control-temporary':
      return readControl
    case 'chunk':
      return readChunk
    case 'segment':
      return readSegment
    case 'segment-map':
      return readMap
    case 'chunk-index':
    case 'segment-index':
      return readIndex
    case 'checkpoint':
      return readCheckpoint
    case 'manifest':
      return readManifest
    case 'filter':
      return readFilters
    default:
      throw new CommandFailure('USAGE', `${path} has not the name of a file that can be inspected`, {
        hint:
          'control, suffix-N.pack, gen-N.pack, gen-N.map, suffix-N.idx, gen-N.idx, meta-N.ckpt, filter-N.bloom, ' +
          'manifest-N',
      })
  }
}
