/** A copy of the control file, as a line, and back. The payload is JSON already. */
import { tryReadU64, writeU64, Xxh64Stream } from '@varve/pack/base'
import { magic } from '@varve/pack/layout'
import type { Finding } from '../finding.ts'
import type { LineFields } from './line-fields.ts'

/** See docs/format.md, "Control". */
export const copyAlignment = 4096
export const copyHeaderBytes = 32
const SUMMED_BYTES = 24
export const payloadBytesMax: number = 64 * 1024 * 1024

/** How long the copy is that begins with these bytes, if they can begin one. */
export function copyLength(header: Buffer): number | undefined {
  if (header.length < copyHeaderBytes || header.toString('latin1', 0, 4) !== magic.control) return undefined
  const length = header.readUInt32LE(4)
  return length <= payloadBytesMax ? copyHeaderBytes + length : undefined
}

/** `undefined` when it is not what was written. */
export function copyLine(copy: Buffer): Finding | undefined {
  if (sumOf(copy) !== copy.readBigUInt64LE(SUMMED_BYTES)) return undefined
  const sequence = tryReadU64(copy, 8)
  const writerTerm = tryReadU64(copy, 16)
  const payload = parsed(copy.toString('utf8', copyHeaderBytes))
  if (sequence === undefined || writerTerm === undefined || payload === undefined) return undefined
  return { type: 'control', sequence, writerTerm, payload }
}

export function buildCopy(fields: LineFields): Buffer {
  const payload = Buffer.from(JSON.stringify(fields.value('payload')), 'utf8')
  const copy = Buffer.alloc(copyHeaderBytes + payload.length)
  copy.write(magic.control, 0, 'latin1')
  copy.writeUInt32LE(payload.length, 4)
  writeU64(copy, fields.integer('sequence'), 8)
  writeU64(copy, fields.integer('writerTerm'), 16)
  payload.copy(copy, copyHeaderBytes)
  copy.writeBigUInt64LE(sumOf(copy), SUMMED_BYTES)
  return copy
}

function sumOf(copy: Buffer): bigint {
  const sum = new Xxh64Stream(0)
  return sum.update(copy, 0, SUMMED_BYTES).update(copy, copyHeaderBytes, copy.length).digest()
}

/** `undefined` for what is no JSON, or is too deep to be written again. */
function parsed(text: string): unknown {
  try {
    const value = JSON.parse(text) as unknown
    JSON.stringify(value)
    return value
  } catch {
    return undefined
  }
}
