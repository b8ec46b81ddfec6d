import type { PlainText } from './hash.ts'

/**
 * What reads return: a `Uint8Array` over an `ArrayBuffer`. It fits `Response`, `Blob`, and `crypto.subtle`
 * under TypeScript 5.7 and later, and is plain `Uint8Array` before. Never a `Buffer` and never a view into
 * the cache: it belongs to the caller. Up to 1 KiB, its `.buffer` is a slab that other small results share,
 * as that of a small `Buffer` is: it can be posted to a thread, which copies it, but not transferred to one.
 */
export type Bytes = ReturnType<Uint8Array['slice']>

/** What writes accept. Text is stored as UTF-8. A `Hash` is refused by the compiler: use `setBlob`. */
export type Content = Uint8Array | PlainText

/** Content of any size, in pieces of any size. */
export type ContentStream = AsyncIterable<Uint8Array> | Iterable<Uint8Array> | ReadableStream<Uint8Array>

/** What `set` takes in a tree that reads as V. */
export type ValueOf<V> = V extends Bytes ? Content : V
