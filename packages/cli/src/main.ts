import { completionLines, run } from './commands/index.ts'

const EXIT_INTERRUPTED = 130

const argv = process.argv.slice(2)
// A shell waits for this answer while someone types: nothing else is loaded for it.
const completion = completionLines(argv)
if (completion === undefined) await runInProcess(argv)
else process.stdout.on('error', () => {}).write(completion)

async function runInProcess(commandLine: readonly string[]): Promise<void> {
  // Who finds the store in use is told this name.
  process.title = 'varve'
  const { nodeHost } = await import('./host/index.ts')
  const interrupted = new AbortController()
  for (const name of ['SIGINT', 'SIGTERM'] as const) {
    process.on(name, () => {
      // The first one lets the command end in order, the second does not wait.
      if (interrupted.signal.aborted) process.exit(EXIT_INTERRUPTED)
      interrupted.abort()
    })
  }
  process.exitCode = await run(commandLine, nodeHost(interrupted.signal))
}
