import { spawn } from 'node:child_process'
import { once } from 'node:events'
import type { Writable } from 'node:stream'
import type { HostPager, PagerCommand } from './host.ts'

/** So much may wait for the person who reads: until then a command goes on, and lets the store go. */
const WAITING_BYTES_MAX = 8 * 1024 * 1024

/**
 * As Git sets them, unless the person has: end when it all fits, let colours through, leave the text there.
 */
const defaults: Readonly<Record<string, string>> = { LESS: 'FRX', LV: '-c' }

/** `undefined` when there is no such program; what a shell cannot find, it says by its exit code. */
export async function startNodePager(command: PagerCommand, columns: number): Promise<HostPager | undefined> {
  const child = spawn(command.line, command.args ?? [], {
    shell: command.args === undefined,
    stdio: ['pipe', 'inherit', 'inherit'],
    env: { ...defaults, ...process.env },
  })
  const gone = new AbortController()
  const exited = new Promise<number>((resolve) => child.once('close', (code) => resolve(code ?? 0)))
  child.stdin.on('error', () => gone.abort())
  child.once('close', () => gone.abort())
  try {
    await once(child, 'spawn')
  } catch {
    return undefined
  }
  return {
    output: { isTerminal: true, columns, write: (content) => writeTo(child.stdin, content, gone.signal) },
    gone: gone.signal,
    end: () => {
      child.stdin.end()
      return exited
    },
  }
}

async function writeTo(stdin: Writable, content: string | Uint8Array, gone: AbortSignal): Promise<void> {
  if (gone.aborted || content.length === 0) return
  stdin.write(content)
  if (stdin.writableLength <= WAITING_BYTES_MAX) return
  // Ends with an abort when the reader has gone.
  await once(stdin, 'drain', { signal: gone }).catch(() => {})
}
