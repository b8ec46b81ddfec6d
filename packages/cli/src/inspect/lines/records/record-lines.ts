import { type RecordKind, rawToHex, recordKind } from '@varve/pack/objects'
import {
  bodyBytesMax,
  encodeRecord,
  type RecordHeader,
  readRecordHash,
  recordAlignment,
  recordFlag,
  recordHeaderSize,
  recordSize,
} from '@varve/pack/pack'
import type { Finding } from '../../finding.ts'
import { type LineFields, UnbuildableLine } from '../line-fields.ts'
import { bodyFields, buildBody, nameOf, numberOf } from './body-lines.ts'
import type { BuiltBody } from './built-body.ts'

/** A record in memory, with its padding. */
export interface ShownRecord {
  readonly bytes: Buffer
  readonly header: RecordHeader
  /** `undefined`: nothing says for which virtual offset it was written, so its checksum proves nothing. */
  readonly offset: number | undefined
}

const noHash = '0'.repeat(64)

/**
 * Whatever the record says. A body that says nothing, or that would be built otherwise, is given as it is.
 */
export function recordLine({ bytes, header, offset }: ShownRecord): Finding {
  const kind = header.kind as RecordKind
  const { referenceCount, bodyLength } = header
  const end = recordHeaderSize + bodyLength
  const body = bytes.subarray(recordHeaderSize, end)
  const hash = rawToHex(readRecordHash(bytes, 0))
  const padding = bytes.subarray(end)
  return {
    type: 'record',
    offset: offset ?? null,
    kind: nameOf(recordKind, kind),
    ...(header.flags !== 0 && { flags: flagNames(header.flags) }),
    ...((hash !== noHash || kind < recordKind.meta) && { hash }),
    ...(offset === undefined && { checksum: bytes.toString('hex', 0, 8) }),
    ...(bodyFields(kind, body, referenceCount) ?? { referenceCount, body: body.toString('base64') }),
    ...(padding.some((byte) => byte !== 0) && { padding: padding.toString('hex') }),
  }
}

/** @throws UnbuildableLine */
export function buildRecord(fields: LineFields): Buffer {
  const kind = numberOf<RecordKind>(recordKind, fields.text('kind'))
  const { body, referenceCount } = fields.has('body') ? rawBody(fields) : buildBody(kind, fields)
  if (body.length > bodyBytesMax) throw new UnbuildableLine('a body is too long')
  const hash = fields.has('hash') ? fields.hex('hash', 32) : undefined
  const offset = fields.has('offset') ? fields.integer('offset') : undefined
  const bytes = Buffer.alloc(recordSize(body.length))
  const flags = fields.has('flags') ? flagsOf(fields.texts('flags')) : 0
  encodeRecord(
    bytes,
    0,
    offset ?? recordAlignment,
    kind,
    flags,
    hash?.toString('latin1'),
    referenceCount,
    body,
    0,
    body.length,
  )
  if (offset === undefined) fields.hex('checksum', 8).copy(bytes, 0)
  const end = recordHeaderSize + body.length
  if (fields.has('padding')) fields.hex('padding', bytes.length - end).copy(bytes, end)
  return bytes
}

function rawBody(fields: LineFields): BuiltBody {
  return { body: fields.base64('body'), referenceCount: fields.integer('referenceCount', 0xffff) }
}

function flagNames(flags: number): string[] {
  return Object.entries(recordFlag).flatMap(([name, bit]) => ((flags & bit) === 0 ? [] : [name]))
}

function flagsOf(names: readonly string[]): number {
  return names.reduce((flags, name) => flags | numberOf<number>(recordFlag, name), 0)
}
