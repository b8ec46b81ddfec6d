import type { Abortable, WithProgress } from './call-options.ts'
import type { Bytes, Content, ContentStream } from './content.ts'
import type { Hash } from './hash.ts'

/** A blob of any size, read when asked. The shape of a WHATWG `Blob`. */
export interface StoredBlob {
  readonly hash: Hash<'blob'>
  /** Bytes. */
  readonly size: number
  bytes(): Promise<Bytes>
  /** The content as UTF-8. */
  text(): Promise<string>
  /** A range in bytes; reads only the chunks that it needs. Default: all. */
  stream(
    o?: Abortable & {
      readonly offset?: number | undefined
      readonly length?: number | undefined
    },
  ): ReadableStream<Bytes>
}

export interface PutOptions extends WithProgress {
  /** The content must have this hash, else `DIGEST_MISMATCH`. */
  readonly expected?: Hash<'blob'> | undefined
  /** The content must have this many bytes, else `DIGEST_MISMATCH`. */
  readonly size?: number | undefined
}

export interface BlobWriter {
  /**
   * Resolves when the blob is accepted into the log: readable at once, durable with the next commit,
   * metadata change, `flush`, or `close`. Kept from collections for their `grace` even if nothing refers to
   * it.
   */
  putBlob(data: Content | ContentStream, o?: PutOptions): Promise<Hash<'blob'>>
}
