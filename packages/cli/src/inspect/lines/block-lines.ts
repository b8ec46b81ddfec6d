/** The blocks of a checkpoint, as lines, and back: an entry has what its record had. */
import { hasXxh64, tryReadU64, writeU64, writeXxh64 } from '@varve/pack/base'
import { MalformedBody } from '@varve/pack/objects'
import { checkpointBlockBytesMax } from '@varve/pack/pack'
import type { Finding } from '../finding.ts'
import { type LineFields, UnbuildableLine } from './line-fields.ts'
import { buildMeta, metaFields } from './records/body-lines.ts'

/** See docs/format.md, "Checkpoint". */
export const blockHeaderBytes = 16
const ENTRY_HEADER_BYTES = 16
const ALIGNMENT = 8

/** How long the block is that begins with these bytes, if they can begin one; nothing is proved by that. */
export function blockLength(header: Buffer): number | undefined {
  if (header.length < blockHeaderBytes) return undefined
  const length = header.readUInt32LE(8)
  return length >= blockHeaderBytes && length <= checkpointBlockBytesMax ? length : undefined
}

/** `undefined` when it is not what was written as the block of that number. */
export function blockLine(block: Buffer, number: number): Finding | undefined {
  if (blockLength(block) !== block.length || !hasXxh64(block, 8, block.length, number, block, 0))
    return undefined
  const entries = entriesOf(block)
  return entries && { type: 'block', block: number, entries }
}

export function buildBlock(fields: LineFields): Buffer {
  const entries = fields.list('entries').map(builtEntry)
  const block = Buffer.concat([Buffer.alloc(blockHeaderBytes), ...entries])
  if (block.length > checkpointBlockBytesMax) throw new UnbuildableLine('a block is too long')
  block.writeUInt32LE(block.length, 8)
  block.writeUInt32LE(entries.length, 12)
  writeXxh64(block, 8, block.length, fields.integer('block'), block, 0)
  return block
}

function entriesOf(block: Buffer): unknown[] | undefined {
  const entries: unknown[] = []
  let at = blockHeaderBytes
  for (let left = block.readUInt32LE(12); left > 0; left--) {
    if (at + ENTRY_HEADER_BYTES > block.length) return undefined
    const offset = tryReadU64(block, at)
    const start = at + ENTRY_HEADER_BYTES
    const end = start + block.readUInt32LE(at + 12)
    if (offset === undefined || end > block.length) return undefined
    const change = changeIn(block.subarray(start, end), block.readUInt16LE(at + 8))
    if (change === undefined) return undefined
    entries.push({ offset, ...change })
    at = start + padded(end - start)
  }
  return at === block.length ? entries : undefined
}

function changeIn(body: Buffer, referenceCount: number): Readonly<Record<string, unknown>> | undefined {
  try {
    return metaFields(body, referenceCount)
  } catch (error) {
    if (error instanceof MalformedBody) return undefined
    throw error
  }
}

function builtEntry(fields: LineFields): Buffer {
  const { body, referenceCount } = buildMeta(fields)
  const bytes = Buffer.alloc(ENTRY_HEADER_BYTES + padded(body.length))
  writeU64(bytes, fields.integer('offset'), 0)
  bytes.writeUInt16LE(referenceCount, 8)
  bytes.writeUInt32LE(body.length, 12)
  body.copy(bytes, ENTRY_HEADER_BYTES)
  return bytes
}

function padded(length: number): number {
  return Math.ceil(length / ALIGNMENT) * ALIGNMENT
}
