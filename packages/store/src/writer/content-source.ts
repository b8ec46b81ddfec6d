/**
 * Content that arrives in pieces, from whatever gives them, so that nobody has to wait for a silent source.
 */
import type { ContentStream } from '../api/index.ts'

interface Pulled {
  next(): Promise<IteratorResult<unknown, unknown>>
  /** Tells the source that nobody takes what is left; waits for nothing. */
  abandon(): void
}

/**
 * What `for await` does, except that it can be left while the source is silent: an iterator that is asked for
 * its end only hears of it after the piece that it owes.
 * @throws TypeError when the source gives no pieces
 */
export function pull(source: ContentStream): Pulled {
  return source instanceof ReadableStream ? pullStream(source) : pullIterable(source)
}

function pullStream(source: ReadableStream<Uint8Array>): Pulled {
  const reader = source.getReader()
  return {
    async next() {
      const step = await reader.read()
      if (step.done) reader.releaseLock()
      return step
    },
    abandon: () => {
      void reader.cancel().catch(ignore)
      reader.releaseLock()
    },
  }
}

function pullIterable(source: AsyncIterable<unknown> | Iterable<unknown>): Pulled {
  const iterator = iteratorOf(source)
  return {
    async next() {
      const step = await iterator.next()
      return step.done === true ? step : { done: false, value: await step.value }
    },
    abandon: () => {
      const end = async (): Promise<void> => {
        // A Node.js stream ends what it is doing.
        if ('destroy' in source && typeof source.destroy === 'function') source.destroy()
        await iterator.return?.()
      }
      // Why it is left is told, not how it takes it.
      end().catch(ignore)
    },
  }
}

function iteratorOf(source: AsyncIterable<unknown> | Iterable<unknown>): AnyIterator {
  if (Symbol.asyncIterator in source) return source[Symbol.asyncIterator]()
  if (Symbol.iterator in source) return source[Symbol.iterator]()
  throw new TypeError('content is text, a Uint8Array, or a stream of Uint8Arrays')
}

type AnyIterator = AsyncIterator<unknown> | Iterator<unknown>

function ignore(): void {}
