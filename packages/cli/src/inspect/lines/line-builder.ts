import { AssertionFailed } from '@varve/pack/base'
import { BatchFrame, batchBytesMax, recordHeaderSize } from '@varve/pack/pack'
import { buildBlock } from './block-lines.ts'
import { buildFilterHeader, buildFilterTable } from './filter-lines.ts'
import {
  buildCheckpointHeader,
  buildIndexHeader,
  buildMapHeader,
  buildPackHeader,
  packHeaderOf,
} from './header-lines.ts'
import { LineFields, UnbuildableLine } from './line-fields.ts'
import { buildEntries, buildHashFences, buildNumbers, buildRuns } from './page-lines.ts'
import { buildRecord } from './records/record-lines.ts'
import { buildCopy } from './twofold-lines.ts'

/** Bytes that are zero, or that prove nothing, are told in slices of at most so many. */
export const sliceBytes: number = 32 * 1024

/** Lines whose bytes follow from nothing but themselves. */
const builders: ReadonlyMap<string, (fields: LineFields) => Buffer> = new Map([
  ['control', buildCopy],
  ['manifest', buildCopy],
  ['chunk', buildPackHeader],
  ['segment', buildPackHeader],
  ['record', buildRecord],
  ['map', buildMapHeader],
  ['runs', buildRuns],
  ['fences', (fields) => buildNumbers(fields.integers('offsets'))],
  ['index', buildIndexHeader],
  ['entries', buildEntries],
  ['hash-fences', buildHashFences],
  ['filters', buildFilterHeader],
  ['filter-table', buildFilterTable],
  ['filter', (fields) => fields.base64('content')],
  ['metadata', (fields) => buildNumbers(fields.integers('offsets'))],
  ['touched', (fields) => buildNumbers(fields.integers('touches'))],
  ['healed', (fields) => buildNumbers(fields.integers('offsets'))],
  ['checkpoint', buildCheckpointHeader],
  ['block', buildBlock],
  ['gap', zeros],
  ['damage', zeros],
])

/**
 * Makes the bytes of a file again, line by line: from what a line says, or, where it has that, from its field
 * `raw`. Checksums are not in the lines: those of batches follow from the lines before.
 */
export class LineBuilder {
  #frame: BatchFrame | undefined

  /** @throws UnbuildableLine */
  build(line: unknown): Buffer {
    const fields = LineFields.of(line)
    const bytes = fields.has('raw') ? fields.base64('raw') : this.#built(fields)
    if (bytes.length !== fields.integer('size')) {
      throw new UnbuildableLine(`it makes ${bytes.length} bytes, not ${fields.integer('size')}`)
    }
    this.#remember(fields, bytes)
    return bytes
  }

  /** Whether the line makes exactly these bytes; if not, it must be built with its field `raw`. */
  makes(line: object, bytes: Buffer): boolean {
    const fields = LineFields.of(line)
    try {
      if (!this.#built(fields).equals(bytes)) return false
    } catch (error) {
      if (error instanceof UnbuildableLine) return false
      throw error
    }
    this.#remember(fields, bytes)
    return true
  }

  #built(fields: LineFields): Buffer {
    const type = fields.text('type')
    try {
      if (type === 'batch') return this.#batchHeader(fields)
      if (type === 'trailer') return this.#batchFrame().encodeTrailer()
      const build = builders.get(type)
      if (build === undefined) throw new UnbuildableLine(`nothing is known of "${type}"`)
      return build(fields)
    } catch (error) {
      if (error instanceof AssertionFailed) throw new UnbuildableLine(error.message)
      throw error
    }
  }

  #batchHeader(fields: LineFields): Buffer {
    const header = {
      sequence: fields.integer('sequence'),
      time: fields.time('time'),
      start: fields.integer('offset'),
      length: fields.integer('length'),
      syncedTo: fields.integer('syncedTo'),
    }
    const recordsMax = batchBytesMax / recordHeaderSize
    return Buffer.from(this.#batchFrame().encodeHeader(header, fields.integer('records', recordsMax)))
  }

  /** What later sums cover. */
  #remember(fields: LineFields, bytes: Buffer): void {
    const type = fields.text('type')
    if (type === 'chunk') this.#frame = new BatchFrame(packHeaderOf(fields).nonce)
    else if (type === 'batch') this.#batchFrame().beginWith(bytes, 0)
    else if (type === 'record' || isRecord(fields)) this.#frame?.addRecord(bytes, 0)
  }

  #batchFrame(): BatchFrame {
    if (this.#frame !== undefined) return this.#frame
    throw new UnbuildableLine('no line has given the nonce of the chunk')
  }
}

/** The beginning of a record whose body is damaged: its first 16 bytes count for the trailer. */
function isRecord(fields: LineFields): boolean {
  return fields.text('type') === 'damage' && fields.text('what') === 'record' && !fields.flag('continued')
}

function zeros(fields: LineFields): Buffer {
  return Buffer.alloc(fields.integer('size', sliceBytes))
}
