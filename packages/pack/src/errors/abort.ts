import { VarveError } from './varve-error.ts'

/**
 * Called where a long operation may still stop without having changed anything.
 * @throws ABORTED when the signal has been aborted; the signal's reason is the cause.
 */
export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted === true) throw abortedError(signal)
}

/** The error with which an aborted call rejects. */
export function abortedError(signal: AbortSignal): VarveError<'ABORTED'> {
  return new VarveError('ABORTED', {}, { cause: signal.reason })
}

/**
 * Settles as the promise does, or rejects as soon as the signal aborts. The promise itself goes on: only for
 * waiting on work that others share.
 * @throws ABORTED
 */
export async function orAborted<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return promise
  if (signal.aborted) {
    // Nobody waits for it any more, whatever comes of it.
    promise.catch(() => {})
    throw abortedError(signal)
  }
  let onAbort: () => void = () => {}
  const aborted = new Promise<never>((_, reject) => {
    onAbort = () => reject(abortedError(signal))
  })
  signal.addEventListener('abort', onAbort, { once: true })
  try {
    return await Promise.race([promise, aborted])
  } finally {
    signal.removeEventListener('abort', onAbort)
  }
}
