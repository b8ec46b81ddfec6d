import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { orAborted, throwIfAborted } from '@varve/pack/errors'
import type { HostInput } from './host.ts'

/** A stream that a command reads. Nothing is waited for after an interruption, however long it is silent. */
export function nodeInput(
  stream: Readable & { readonly isTTY?: boolean },
  interrupted: AbortSignal,
): HostInput {
  return {
    isTerminal: stream.isTTY === true,
    read: () => partsOf(stream, interrupted),
    readLine: () => lineOf(stream, interrupted),
  }
}

/** @throws ABORTED */
async function* partsOf(stream: Readable, interrupted: AbortSignal): AsyncGenerator<Uint8Array> {
  try {
    throwIfAborted(interrupted)
    const parts = stream[Symbol.asyncIterator]()
    for (;;) {
      const next = await orAborted(parts.next(), interrupted)
      if (next.done === true) return
      yield next.value
    }
  } finally {
    // A stream that may still give something would keep the process from ending.
    stream.destroy()
  }
}

/** @throws ABORTED */
async function lineOf(stream: Readable, interrupted: AbortSignal): Promise<string | undefined> {
  throwIfAborted(interrupted)
  const lines = createInterface({ input: stream, signal: interrupted })
  try {
    for await (const line of lines) return line
    throwIfAborted(interrupted)
    return undefined
  } finally {
    lines.close()
  }
}
