import { systemClock } from '@varve/pack/base'
import type { Host } from './host.ts'
import { NodeFiles } from './node-files.ts'
import { nodeInput } from './node-input.ts'
import { nodeOutput, silentOutput } from './node-output.ts'
import { startNodePager } from './node-pager.ts'

/** The process that this program runs in. */
export function nodeHost(interrupted: AbortSignal): Host {
  return {
    environment: process.env,
    // Asked when it is needed: there is none when someone has removed it, and not every command needs one.
    get folder() {
      return process.cwd()
    },
    stdin: nodeInput(process.stdin, interrupted),
    stdout: nodeOutput(process.stdout),
    stderr: silentOutput(nodeOutput(process.stderr)),
    clock: systemClock,
    files: new NodeFiles(),
    startPager: (command) => startNodePager(command, process.stdout.columns ?? 80),
    interrupted,
  }
}
