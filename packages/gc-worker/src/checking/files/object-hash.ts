import {
  commitDomain,
  type Domain,
  decodeCommit,
  hashCanonical,
  listContentLength,
  listDomain,
  MalformedBody,
  placeDomain,
  type RawHash,
  recordKind,
  sha256,
  treeDomain,
  treeShape,
  validateNode,
} from '@varve/pack/objects'
import type { ScannedRecord } from '../../source/index.ts'

const twoTo32 = 0x1_0000_0000

/** Whether a hash is among that part of all hashes: the same ones each time. */
export function isInPart(bytes: Buffer, hashStart: number, part: number): boolean {
  return part >= 1 || (part > 0 && bytes.readUInt32BE(hashStart) < part * twoTo32)
}

/**
 * The hash of what a record's body says; `undefined` for a large blob, whose chunks tell it. In place: the
 * bytes in front of the body are the record's own, and are put back.
 */
export function hashOfBody(record: ScannedRecord): RawHash | undefined {
  const { bytes, kind, bodyStart, bodyEnd, referenceCount } = record
  const end = bodyEnd - 8 * referenceCount
  if (kind === recordKind.blob) return sha256(bytes, bodyStart, end)
  const domain = domainOf(kind)
  if (domain === undefined) return undefined
  const start = bodyStart - domain.size
  if (start < record.at) return hashCanonical(domain, bytes.subarray(bodyStart, end))
  const saved = Buffer.from(bytes.subarray(start, bodyStart))
  placeDomain(domain, bytes, bodyStart)
  try {
    return sha256(bytes, start, end)
  } finally {
    saved.copy(bytes, start)
  }
}

/** What is wrong with the form of a body, in a word; `undefined`: nothing. */
export function malformation(record: ScannedRecord): string | undefined {
  const { bytes: buf, kind, bodyStart: start, bodyEnd: end, referenceCount } = record
  try {
    if (kind === recordKind.node) validateNode({ buf, start, end, referenceCount }, treeShape)
    else if (kind === recordKind.commit) decodeCommit(buf, start, end)
    else if (kind === recordKind.list || kind === recordKind.bigBlob) {
      listContentLength({ buf, start, end, referenceCount })
    }
    return undefined
  } catch (error) {
    if (error instanceof MalformedBody) return error.message
    throw error
  }
}

function domainOf(kind: number): Domain | undefined {
  if (kind === recordKind.node) return treeDomain
  if (kind === recordKind.commit) return commitDomain
  return kind === recordKind.list ? listDomain : undefined
}
