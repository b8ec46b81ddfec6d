import { checkOptions, throwIfAborted } from '@varve/pack/errors'
import { type BlobRef, rawToHex } from '@varve/pack/objects'
import { type Bytes, type Hash, type StoredBlob, type StreamOptions, streamRules } from '../api/index.ts'
import type { BlobReader } from '../reader/index.ts'

/** A blob as its callers hold it, in the shape of a WHATWG Blob. Content is read when it is asked for. */
export class BlobHandle implements StoredBlob {
  readonly hash: Hash<'blob'>
  readonly size: number
  readonly #blobs: BlobReader
  readonly #blob: BlobRef

  constructor(blobs: BlobReader, blob: BlobRef) {
    this.hash = rawToHex(blob.hash) as Hash<'blob'>
    this.size = blob.size
    this.#blobs = blobs
    this.#blob = blob
  }

  bytes(): Promise<Bytes> {
    return this.#blobs.bytesAsync(this.#blob, undefined)
  }

  async text(): Promise<string> {
    return new TextDecoder().decode(await this.bytes())
  }

  stream(o: StreamOptions = {}): ReadableStream<Bytes> {
    checkOptions(o, streamRules)
    throwIfAborted(o.signal)
    const from = o.offset ?? 0
    const length = o.length ?? Number.POSITIVE_INFINITY
    const start = Math.min(from, this.size)
    const range = { from: start, to: Math.min(this.size, start + length), signal: o.signal }
    const pieces = this.#blobs.pieces(this.#blob, range)
    return new ReadableStream<Bytes>({
      async pull(controller) {
        const next = await pieces.next()
        if (next.done === true) controller.close()
        else controller.enqueue(next.value)
      },
      async cancel() {
        await pieces.return()
      },
    })
  }
}
