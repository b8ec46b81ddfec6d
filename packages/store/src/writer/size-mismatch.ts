import { VarveError } from '@varve/pack/errors'
import { type RawHash, rawToHex } from '@varve/pack/objects'

/** Content that has another size than its caller said. Hashes are told as far as they are known. */
export function sizeMismatch(o: {
  readonly size: number
  readonly found: string
  readonly expected: RawHash | undefined
  readonly actual: RawHash | undefined
}): VarveError<'DIGEST_MISMATCH'> {
  const hex = (hash: RawHash | undefined): string | undefined => hash && rawToHex(hash)
  const details = { expected: hex(o.expected), actual: hex(o.actual), size: o.size }
  return new VarveError('DIGEST_MISMATCH', details, {
    message: `The content has ${o.found} bytes, not ${o.size}`,
  })
}
