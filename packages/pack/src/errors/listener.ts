/**
 * A caller's listener as we call it: what it throws is an uncaught exception of its own, as with the
 * listeners of an `EventTarget`, and nothing that we were doing ends half-way because of it.
 */
export function listenerOf<T>(listener: ((value: T) => void) | undefined): (value: T) => void {
  if (listener === undefined) return () => {}
  return (value) => {
    try {
      listener(value)
    } catch (error) {
      queueMicrotask(() => {
        throw error
      })
    }
  }
}
