/** A broken promise between two parts of this program: a bug, never a failure of the world. */
export class AssertionFailed extends Error {
  override readonly name = 'AssertionFailed'
}

/**
 * Stays on in production. One condition a call; `what` says what must hold.
 * @throws AssertionFailed
 */
export function assert(condition: boolean, what: string): asserts condition {
  if (!condition) throw new AssertionFailed(`must hold: ${what}`)
}

/** Ends a `switch` over a closed union; the compiler proves that no case is missing. */
export function unreachable(value: never): never {
  throw new AssertionFailed(`unexpected value: ${String(value)}`)
}
