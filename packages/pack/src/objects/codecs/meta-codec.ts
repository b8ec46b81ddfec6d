import { assert, tryReadU64, writeU64 } from '../../base/index.ts'
import { malformed, mustHold } from '../malformed-body.ts'
import { hashSize, type RawHash, readHash, writeHash } from '../raw-hash.ts'
import type { IndexKind } from '../record-kind.ts'

/** Tables of metadata. Persistent numbers. */
export const metaTable = { refs: 1, labels: 2, leases: 3, namespaces: 4, snapshots: 5 } as const
export type MetaTable = (typeof metaTable)[keyof typeof metaTable]

/** An object that a metadata record names: kept as long as the record counts. */
export interface MetaReference {
  readonly kind: IndexKind
  readonly hash: RawHash
  readonly offset: number
}

/** One absolute change: the key has this value from now on, or is deleted. */
export interface MetaFields {
  readonly table: MetaTable
  readonly isDeleted: boolean
  readonly key: Buffer
  readonly value: Buffer
  readonly references: readonly MetaReference[]
}

const headSize = 8
const referenceSize = 1 + hashSize
const offsetSize = 8
const deletedFlag = 1
const keyLengthMax = 0xffff
const tableMax = metaTable.snapshots

/** The body of a metadata record; its references' offsets are the last 8 bytes each. */
export function encodeMeta(meta: MetaFields): Buffer {
  const { key, value, references } = meta
  assert(key.length <= keyLengthMax, "a metadata key's length fits 16 bits")
  const fixed = headSize + key.length + value.length
  const body = Buffer.allocUnsafe(fixed + references.length * (referenceSize + offsetSize))
  body[0] = meta.table
  body[1] = meta.isDeleted ? deletedFlag : 0
  body.writeUInt16LE(key.length, 2)
  body.writeUInt32LE(value.length, 4)
  key.copy(body, headSize)
  value.copy(body, headSize + key.length)
  let at = fixed
  for (const reference of references) {
    body[at] = reference.kind
    writeHash(body, reference.hash, at + 1)
    at += referenceSize
  }
  for (const reference of references) {
    writeU64(body, reference.offset, at)
    at += offsetSize
  }
  return body
}

/** @throws MalformedBody */
export function decodeMeta(buf: Buffer, start: number, end: number, referenceCount: number): MetaFields {
  mustHold(end - start >= headSize, 'a metadata record has its head')
  const table = buf[start] as number
  mustHold(table >= 1 && table <= tableMax, 'a metadata record is of a known table')
  mustHold(buf[start + 1]! <= deletedFlag, 'a metadata record has known flags')
  const keyEnd = start + headSize + buf.readUInt16LE(start + 2)
  const valueEnd = keyEnd + buf.readUInt32LE(start + 4)
  const offsets = valueEnd + referenceCount * referenceSize
  mustHold(offsets + referenceCount * offsetSize === end, 'the parts of a metadata record fill its body')
  const references: MetaReference[] = []
  for (let i = 0; i < referenceCount; i++) {
    const at = valueEnd + i * referenceSize
    const offset = tryReadU64(buf, offsets + i * offsetSize) ?? malformed('an offset is below 2^53')
    references.push({ kind: asIndexKind(buf[at] as number), hash: readHash(buf, at + 1), offset })
  }
  return {
    table: table as MetaTable,
    isDeleted: buf[start + 1] === deletedFlag,
    key: Buffer.from(buf.subarray(start + headSize, keyEnd)),
    value: Buffer.from(buf.subarray(keyEnd, valueEnd)),
    references,
  }
}

function asIndexKind(kind: number): IndexKind {
  return kind >= 1 && kind <= 4 ? (kind as IndexKind) : malformed('a reference is to an object')
}
