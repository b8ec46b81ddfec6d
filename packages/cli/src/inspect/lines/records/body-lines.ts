/** What the bodies of records say, as fields of a line, and back. */
import {
  decodeCommit,
  decodeList,
  decodeMeta,
  decodeTouch,
  encodeCommit,
  encodeList,
  encodeMeta,
  encodeTouch,
  type IndexKind,
  indexKind,
  MalformedBody,
  type MetaReference,
  type MetaTable,
  metaTable,
  type RecordKind,
  rawToHex,
  recordKind,
} from '@varve/pack/objects'
import { type LineFields, UnbuildableLine } from '../line-fields.ts'
import { textFields, timeField } from '../shown-fields.ts'
import type { BodyFields, BuiltBody } from './built-body.ts'
import { buildNode, nodeFields } from './node-lines.ts'

/** `undefined` where the body is not what a writer writes. */
export function bodyFields(kind: RecordKind, body: Buffer, referenceCount: number): BodyFields | undefined {
  try {
    return decodedFields(kind, body, referenceCount)
  } catch (error) {
    if (error instanceof MalformedBody) return undefined
    throw error
  }
}

function decodedFields(kind: RecordKind, body: Buffer, referenceCount: number): BodyFields | undefined {
  const view = { buf: body, start: 0, end: body.length, referenceCount }
  switch (kind) {
    case recordKind.blob:
      return { content: body.toString('base64') }
    case recordKind.node:
      return nodeFields(view)
    case recordKind.commit:
      return referenceCount === 1 ? commitFields(body) : undefined
    case recordKind.list:
    case recordKind.bigBlob: {
      const { level, entries } = decodeList(view)
      return { level, entries: entries.map((entry) => ({ ...entry, hash: rawToHex(entry.hash) })) }
    }
    case recordKind.meta:
      return metaFields(body, referenceCount)
    case recordKind.touch:
      return referenceCount === 1 ? { object: referenceFields(decodeTouch(body, 0, body.length)) } : undefined
  }
}

/** @throws UnbuildableLine */
export function buildBody(kind: RecordKind, fields: LineFields): BuiltBody {
  switch (kind) {
    case recordKind.blob:
      return { body: fields.base64('content'), referenceCount: 0 }
    case recordKind.node:
      return buildNode(fields)
    case recordKind.commit:
      return buildCommit(fields)
    case recordKind.list:
    case recordKind.bigBlob: {
      const entries = fields.list('entries').map((entry) => ({
        hash: rawHash(entry),
        offset: entry.integer('offset'),
        length: entry.integer('length'),
      }))
      return { body: encodeList(fields.integer('level', 0xff), entries), referenceCount: entries.length }
    }
    case recordKind.meta:
      return buildMeta(fields)
    case recordKind.touch:
      return { body: encodeTouch(reference(fields.object('object'))), referenceCount: 1 }
  }
}

/** The change that a record of metadata, or an entry of a checkpoint, says. @throws MalformedBody */
export function metaFields(body: Buffer, referenceCount: number): BodyFields {
  const { table, isDeleted, key, value, references } = decodeMeta(body, 0, body.length, referenceCount)
  return {
    table: nameOf(metaTable, table),
    ...(isDeleted && { deleted: true }),
    ...textFields('key', key),
    ...textFields('value', value),
    references: references.map(referenceFields),
  }
}

export function buildMeta(fields: LineFields): BuiltBody {
  const references = fields.list('references').map(reference)
  const body = encodeMeta({
    table: numberOf<MetaTable>(metaTable, fields.text('table')),
    isDeleted: fields.flag('deleted'),
    key: fields.textBytes('key'),
    value: fields.textBytes('value'),
    references,
  })
  return { body, referenceCount: references.length }
}

function commitFields(body: Buffer): BodyFields {
  const { tree, parents, author, date, message, extra } = decodeCommit(body, 0, body.length)
  return {
    tree: { hash: rawToHex(tree.hash), offset: tree.offset },
    parents: parents.map(rawToHex),
    author,
    date: timeField(date),
    message,
    extra,
  }
}

function buildCommit(fields: LineFields): BuiltBody {
  const tree = fields.object('tree')
  return encodeCommit({
    tree: { hash: rawHash(tree), offset: tree.integer('offset') },
    parents: fields.hexes('parents', 32).map((hash) => hash.toString('latin1')),
    author: fields.text('author'),
    date: fields.time('date'),
    message: fields.text('message'),
    extra: fields.dictionary('extra'),
  })
}

function referenceFields({ kind, hash, offset }: MetaReference): BodyFields {
  return { kind: nameOf(indexKind, kind), hash: rawToHex(hash), offset }
}

function reference(fields: LineFields): MetaReference {
  const kind = numberOf<IndexKind>(indexKind, fields.text('kind'))
  return { kind, hash: rawHash(fields), offset: fields.integer('offset') }
}

function rawHash(fields: LineFields): string {
  return fields.hex('hash', 32).toString('latin1')
}

/** The name that a persistent number has, or the number itself. */
export function nameOf(numbers: Readonly<Record<string, number>>, wanted: number): string {
  return Object.keys(numbers).find((name) => numbers[name] === wanted) ?? String(wanted)
}

/** @throws UnbuildableLine */
export function numberOf<N extends number>(numbers: Readonly<Record<string, N>>, name: string): N {
  const found = Object.hasOwn(numbers, name) ? numbers[name] : undefined
  if (found === undefined)
    throw new UnbuildableLine(`"${name}" is none of ${Object.keys(numbers).join(', ')}`)
  return found
}
