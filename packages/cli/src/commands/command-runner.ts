import type { Command } from 'commander'
import type { Host } from '../host/index.ts'
import { type GlobalOptions, Output } from '../terminal/index.ts'
import type { CommandContext } from './context/index.ts'

/** Runs what a command line asks for, and remembers the exit code. */
export class CommandRunner {
  readonly host: Host
  exitCode = 0

  constructor(host: Host) {
    this.host = host
  }

  /** The action of a command. What it gives, if it is a number, is the exit code. */
  async run(command: Command, work: (context: CommandContext) => Promise<unknown>): Promise<void> {
    const options = globalOptions(command)
    const output = new Output(this.host, options)
    const result = await work({ host: this.host, options, output, signal: this.host.interrupted })
    if (typeof result === 'number') this.exitCode = result
  }
}

/** Of the command and of all above it. */
export function globalOptions(command: Command): GlobalOptions {
  const given = command.optsWithGlobals()
  const { store, json, quiet, verbose, progress, color, wait } = given
  return {
    store,
    json: json === true,
    quiet: quiet === true,
    verbose: verbose === true,
    progress,
    color: color ?? 'auto',
    wait,
  }
}
