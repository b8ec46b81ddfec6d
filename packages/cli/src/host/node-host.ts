import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import type { WriteStream } from 'node:tty'
import { systemClock } from '@varve/pack/base'
import type { Host, HostInput, HostOutput } from './host.ts'
import { NodeFiles } from './node-files.ts'
import { startNodePager } from './node-pager.ts'

/** The process that this program runs in. */
export function nodeHost(interrupted: AbortSignal): Host {
  return {
    environment: process.env,
    folder: process.cwd(),
    stdin: inputOf(process.stdin),
    stdout: outputOf(process.stdout),
    stderr: outputOf(process.stderr),
    clock: systemClock,
    files: new NodeFiles(),
    startPager: (command) => startNodePager(command, process.stdout.columns ?? 80),
    interrupted,
  }
}

function outputOf(stream: WriteStream): HostOutput {
  let isOpen = true
  // `varve log | head`: that the reader has seen enough is no failure.
  stream.on('error', (cause: NodeJS.ErrnoException) => {
    if (cause.code !== 'EPIPE') throw cause
    isOpen = false
  })
  return {
    isTerminal: stream.isTTY === true,
    get columns() {
      return stream.columns ?? 80
    },
    write: (content) =>
      new Promise((resolve) => {
        if (!isOpen || content.length === 0) return resolve()
        stream.write(content, () => resolve())
      }),
  }
}

function inputOf(stream: Readable & { readonly isTTY?: boolean }): HostInput {
  return {
    isTerminal: stream.isTTY === true,
    read: () => stream,
    readLine: async () => {
      const lines = createInterface({ input: stream })
      try {
        for await (const line of lines) return line
        return undefined
      } finally {
        lines.close()
      }
    },
  }
}
