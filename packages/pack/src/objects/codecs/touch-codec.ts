import { tryReadU64, writeU64 } from '../../base/index.ts'
import { malformed, mustHold } from '../malformed-body.ts'
import { hashSize, readHash, writeHash } from '../raw-hash.ts'
import type { IndexKind } from '../record-kind.ts'
import type { MetaReference } from './meta-codec.ts'

const touchSize = 8 + hashSize + 8

/** The body of a touch record: somebody put an object that was here already. Its age is its batch's. */
export function encodeTouch(reference: MetaReference): Buffer {
  const body = Buffer.alloc(touchSize)
  body[0] = reference.kind
  writeHash(body, reference.hash, 8)
  writeU64(body, reference.offset, 8 + hashSize)
  return body
}

/** @throws MalformedBody */
export function decodeTouch(buf: Buffer, start: number, end: number): MetaReference {
  mustHold(end - start === touchSize, 'a touch record has 48 bytes')
  const kind = buf[start] as number
  mustHold(kind >= 1 && kind <= 4, 'a touch record is of an object')
  for (let i = 1; i < 8; i++) mustHold(buf[start + i] === 0, 'the unused bytes of a touch record are zero')
  const offset = tryReadU64(buf, start + 8 + hashSize) ?? malformed('an offset is below 2^53')
  return { kind: kind as IndexKind, hash: readHash(buf, start + 8), offset }
}
