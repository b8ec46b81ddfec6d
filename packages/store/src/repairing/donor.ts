/** A store out of which missing objects and files are taken: another one, or this store's own volumes. */
import { VarveError } from '@varve/pack/errors'
import { type IndexKind, type RawHash, rawToHex } from '@varve/pack/objects'
import { canonicalHash, type RecordView } from '@varve/pack/pack'
import type { ObjectReader } from '../reader/index.ts'

export interface Donor {
  readonly path: string
  readonly objects: ObjectReader
}

/** A whole record of the object, whose body has its hash as far as that can be told of it alone. */
export function recordFrom(donor: Donor, kind: IndexKind, hash: RawHash): RecordView | undefined {
  try {
    const offset = donor.objects.find(kind, hash)
    if (offset === 0) return undefined
    const record = donor.objects.record(kind, hash, offset)
    const { kind: recordKind, flags, referenceCount, bodyStart, bodyEnd } = record
    const header = { kind: recordKind, flags, referenceCount, bodyLength: bodyEnd - bodyStart }
    const proved = canonicalHash(record.buf, bodyStart - 48, header)
    if (proved === undefined || proved === hash) return record
    const message = `${donor.path} gives other content for ${rawToHex(hash)}`
    throw new VarveError('CORRUPT', { file: donor.path, offset: 0 }, { message })
  } catch (error) {
    const codes = ['CORRUPT', 'COLLECTED', 'LOWER_UNAVAILABLE'] as const
    if (codes.some((code) => VarveError.is(error, code))) return undefined
    throw error
  }
}

/** The first of the donors that has the object whole. */
export function donorOf(
  donors: readonly Donor[],
  object: { readonly kind: IndexKind; readonly hash: RawHash },
): Donor | undefined {
  return donors.find((donor) => recordFrom(donor, object.kind, object.hash) !== undefined)
}

/** The body of a whole record of the object; `from` tells another store than `own`. */
export function bodyFrom(
  donors: readonly Donor[],
  o: { readonly kind: IndexKind; readonly hash: RawHash; readonly own: string },
): { readonly bytes: Uint8Array; readonly from: string | undefined } | undefined {
  for (const donor of donors) {
    const record = recordFrom(donor, o.kind, o.hash)
    if (record === undefined) continue
    const bytes = record.buf.subarray(record.bodyStart, record.bodyEnd)
    return { bytes, from: donor.path === o.own ? undefined : donor.path }
  }
  return undefined
}
