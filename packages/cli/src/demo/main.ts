/** npm start [-- REPOSITORY]: the main job, on a real history. */
import { nodeHost } from '../host/index.ts'
import { reportFailure } from '../terminal/index.ts'
import { demonstrate } from './demonstrate.ts'

const interrupted = new AbortController()
process.once('SIGINT', () => interrupted.abort())
const host = nodeHost(interrupted.signal)
try {
  await demonstrate(host, process.argv[2])
} catch (cause) {
  const plain = { json: false, quiet: false, verbose: false, color: 'auto' } as const
  process.exitCode = await reportFailure(cause, host, plain)
}
