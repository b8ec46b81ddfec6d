import type { Writable } from 'node:stream'
import type { HostOutput } from './host.ts'

const COLUMNS_DEFAULT = 80

/** A stream that a command writes to. A write fails as the stream does, and so does every later one. */
export function nodeOutput(
  stream: Writable & { readonly isTTY?: boolean; readonly columns?: number },
): HostOutput {
  let isOpen = true
  let failure: { readonly cause: unknown } | undefined
  const fail = (cause: NodeJS.ErrnoException): void => {
    // `varve log | head`: that the reader has seen enough is no failure.
    if (cause.code === 'EPIPE') isOpen = false
    else if (isOpen) failure ??= { cause }
  }
  stream.on('error', fail)
  return {
    isTerminal: stream.isTTY === true,
    get columns() {
      return stream.columns ?? COLUMNS_DEFAULT
    },
    write: async (content) => {
      if (isOpen && failure === undefined && content.length > 0) await written(stream, content).catch(fail)
      if (failure !== undefined) throw failure.cause
    },
  }
}

/** For messages: what cannot be written is lost, as there is nowhere else to say so. */
export function silentOutput(output: HostOutput): HostOutput {
  return {
    isTerminal: output.isTerminal,
    get columns() {
      return output.columns
    },
    write: (content) => output.write(content).catch(() => {}),
  }
}

function written(stream: Writable, content: string | Uint8Array): Promise<void> {
  return new Promise((resolve, reject) => {
    stream.write(content, (cause) => (cause ? reject(cause) : resolve()))
  })
}
