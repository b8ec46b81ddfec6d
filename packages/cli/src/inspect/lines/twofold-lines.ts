/** A copy of what a file holds twice, as a line, and back. The payload is JSON already. */
import { magic } from '@varve/pack/layout'
import { encodeTwofold, wholeCopies } from '@varve/pack/pack'
import type { Finding } from '../finding.ts'
import { type LineFields, UnbuildableLine } from './line-fields.ts'

/** See docs/format.md, "Control". */
export const copyAlignment = 4096
export const copyHeaderBytes = 32
export const payloadBytesMax: number = 64 * 1024 * 1024

export type Twofold = 'control' | 'manifest'

/** What the second number in the header of a copy is. */
const seconds: { readonly [T in Twofold]: string } = { control: 'writerTerm', manifest: 'id' }

/** How long the copy is that begins with these bytes, if they can begin one. */
export function copyLength(header: Buffer, type: Twofold): number | undefined {
  if (header.length < copyHeaderBytes || header.toString('latin1', 0, 4) !== magic[type]) return undefined
  const length = header.readUInt32LE(4)
  return length <= payloadBytesMax ? copyHeaderBytes + length : undefined
}

/** `undefined` when it is not what was written. */
export function copyLine(copy: Buffer, type: Twofold): Finding | undefined {
  const found = wholeCopies(copy, magic[type]).find(({ start }) => start === 0)
  if (found?.second === undefined) return undefined
  const payload = parsed(found.payload.toString('utf8'))
  if (payload === undefined) return undefined
  return { type, sequence: found.sequence, [seconds[type]]: found.second, payload }
}

/** @throws UnbuildableLine */
export function buildCopy(fields: LineFields): Buffer {
  const type = fields.text('type') as Twofold
  const text = JSON.stringify(fields.value('payload')) as string | undefined
  if (text === undefined) throw new UnbuildableLine('"payload" is no JSON')
  const payload = Buffer.from(text, 'utf8')
  const sequence = fields.integer('sequence')
  const second = fields.integer(seconds[type])
  const file = encodeTwofold({ magic: magic[type], sequence, second, payload })
  return file.subarray(0, copyHeaderBytes + payload.length)
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
