import { tryReadU64 } from '@varve/pack/base'
import { VarveError } from '@varve/pack/errors'
import type { magic } from '@varve/pack/layout'
import { decodePackHeader, type PackHeader, packHeaderSize } from '@varve/pack/pack'

/** A header as it stands, and whether its checksum and its magic prove it. */
export interface FoundHeader {
  readonly header: PackHeader
  readonly isProved: boolean
}

/**
 * The header of a chunk or a segment, taken by its own word for what control would say of it. Of one that is
 * damaged each field may be the one that is not.
 * @param bytes the first bytes of the file; `undefined` comes back when they are too few
 * @throws NEWER_FORMAT
 */
export function packHeaderIn(
  bytes: Buffer,
  o: { readonly file: string; readonly kind: typeof magic.chunk | typeof magic.segment },
): FoundHeader | undefined {
  const base = bytes.length < packHeaderSize ? undefined : tryReadU64(bytes, 48)
  if (base === undefined) return undefined
  const number = bytes.readUInt32LE(12)
  const storeId = Buffer.from(bytes.subarray(32, 48))
  const header = { number, nonce: Buffer.from(bytes.subarray(16, 32)), storeId, base }
  try {
    decodePackHeader(bytes, { file: o.file, magic: o.kind, number, storeId, base })
    return { header, isProved: true }
  } catch (error) {
    if (!VarveError.is(error, 'CORRUPT')) throw error
    return { header, isProved: false }
  }
}
