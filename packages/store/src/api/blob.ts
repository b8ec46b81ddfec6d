import { optionRule, type RulesFor } from '@varve/pack/errors'
import { type Abortable, abortableRules, progressRules, type WithProgress } from './call-options.ts'
import type { Bytes, Content, ContentStream } from './content.ts'
import type { Hash } from './hash.ts'

export interface StreamOptions extends Abortable {
  readonly offset?: number | undefined
  readonly length?: number | undefined
}

export const streamRules: RulesFor<StreamOptions> = {
  ...abortableRules,
  offset: optionRule.count,
  length: { says: 'a number from 0 on', fits: (value) => typeof value === 'number' && value >= 0 },
}

/** A blob of any size, read when asked. The shape of a WHATWG `Blob`. */
export interface StoredBlob {
  readonly hash: Hash<'blob'>
  /** Bytes. */
  readonly size: number
  bytes(): Promise<Bytes>
  /** The content as UTF-8. */
  text(): Promise<string>
  /** A range in bytes; reads only the chunks that it needs. Default: all. */
  stream(o?: StreamOptions): ReadableStream<Bytes>
}

export interface PutOptions extends WithProgress {
  /** The content must have this hash, else `DIGEST_MISMATCH`. */
  readonly expected?: Hash<'blob'> | undefined
  /** The content must have this many bytes, else `DIGEST_MISMATCH`. */
  readonly size?: number | undefined
}

export const putRules: RulesFor<PutOptions> = {
  ...progressRules,
  expected: optionRule.text,
  size: optionRule.count,
}

export interface BlobWriter {
  /**
   * Resolves when the blob is accepted into the log: readable at once, durable with the next commit,
   * metadata change, `flush`, or `close`. Kept from collections for their `grace` even if nothing refers to
   * it.
   */
  putBlob(data: Content | ContentStream, o?: PutOptions): Promise<Hash<'blob'>>
}
