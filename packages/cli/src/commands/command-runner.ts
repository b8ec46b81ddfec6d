import type { Command } from 'commander'
import type { Host } from '../host/index.ts'
import type { GlobalOptions } from '../terminal/index.ts'
import type { CommandContext } from './context/index.ts'

/** What the command tree does with what a command line asks for. */
export interface Runner {
  /** The action of a command. What the work gives, if it is a number, is the exit code. */
  run(command: Command, work: (context: CommandContext) => Promise<unknown>): Promise<void>
}

/** Runs it, and remembers the exit code. */
export class CommandRunner implements Runner {
  readonly #host: Host
  exitCode = 0
  /** Of the command that was run, `bundle verify`, say; `undefined` until then. */
  commandName: string | undefined

  constructor(host: Host) {
    this.#host = host
  }

  async run(command: Command, work: (context: CommandContext) => Promise<unknown>): Promise<void> {
    this.commandName = wordsOf(command)
    const { Output } = await import('../terminal/index.ts')
    const host = this.#host
    const options = globalOptions(command)
    const output = new Output(host, options)
    const result = await work({ host, options, output, signal: host.interrupted })
    if (typeof result === 'number') this.exitCode = result
  }
}

/** Without the program's own name. */
function wordsOf(command: Command): string {
  const words: string[] = []
  for (let at: Command = command; at.parent !== null; at = at.parent) words.unshift(at.name())
  return words.join(' ')
}

/** Of the command and of all above it. */
export function globalOptions(command: Command): GlobalOptions {
  const given = command.optsWithGlobals()
  const { store, json, quiet, verbose, progress, color, pager, wait } = given
  return {
    store,
    json: json === true,
    quiet: quiet === true,
    verbose: verbose === true,
    progress,
    color: color ?? 'auto',
    pager: pager !== false,
    wait,
  }
}
