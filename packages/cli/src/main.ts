#!/usr/bin/env node
import { run } from './commands/index.ts'
import { nodeHost } from './host/index.ts'

const EXIT_INTERRUPTED = 130

const interrupted = new AbortController()
for (const name of ['SIGINT', 'SIGTERM'] as const) {
  process.on(name, () => {
    // The first one lets the command end in order, the second does not wait.
    if (interrupted.signal.aborted) process.exit(EXIT_INTERRUPTED)
    interrupted.abort()
  })
}
process.exitCode = await run(process.argv.slice(2), nodeHost(interrupted.signal))
