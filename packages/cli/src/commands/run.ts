import { CommanderError } from 'commander'
import { candidatesFor, filesLine } from '../completion/index.ts'
import type { Host } from '../host/index.ts'
import type { GlobalOptions } from '../terminal/index.ts'
import { CommandRunner, globalOptions, type Runner } from './command-runner.ts'
import { makeProgram } from './program.ts'

/** What the shells' completion scripts call; no command for people. */
const COMPLETE = '__complete'

/** Nothing is run while a command line is being typed. */
const idle: Runner = { run: () => Promise.resolve() }

/** Runs one command line and gives its exit code. Never throws. */
export async function run(argv: readonly string[], host: Host): Promise<number> {
  const completion = completionLines(argv)
  if (completion !== undefined) {
    await host.stdout.write(completion)
    return 0
  }
  const runner = new CommandRunner(host)
  const command = makeProgram(runner, host.stdout)
  try {
    await command.parseAsync(argv, { from: 'user' })
    return runner.exitCode
  } catch (cause) {
    if (cause instanceof CommanderError) return usage(cause, argv, host)
    // Ctrl-C reaches the processes that this one has started, too: their end may be noticed first.
    await host.clock.turn()
    const { reportFailure } = await import('../terminal/index.ts')
    const failure = host.interrupted.aborted ? interruption(cause) : cause
    return reportFailure(failure, host, { ...globalOptions(command), command: runner.commandName })
  }
}

/**
 * What a shell's question is answered with; `undefined` when the command line is none. Loads nothing more.
 */
export function completionLines(argv: readonly string[]): string | undefined {
  if (argv[0] !== COMPLETE) return undefined
  const program = makeProgram(idle, { columns: 80, write: () => {} })
  const { values, wantsFiles } = candidatesFor(program, argv.slice(1))
  const lines = values.map(({ value, about }) => `${value}\t${about}`)
  if (wantsFiles) lines.push(filesLine)
  return lines.map((line) => `${line}\n`).join('')
}

/** Help and version were printed; anything else is a wrong command line. */
async function usage(cause: CommanderError, argv: readonly string[], host: Host): Promise<number> {
  if (cause.exitCode === 0) return 0
  // Without a command the help is the answer, and has been printed nowhere yet.
  const isHelp = cause.code === 'commander.help'
  const message = isHelp ? 'a command is needed' : oneLine(cause.message)
  const { CommandFailure, reportFailure } = await import('../terminal/index.ts')
  const failure = new CommandFailure('USAGE', message, { hint: 'varve help lists the commands.' })
  return reportFailure(failure, host, optionsIn(argv))
}

/** What a command line that could not be read says about how to be answered. */
function optionsIn(argv: readonly string[]): Pick<GlobalOptions, 'json' | 'quiet' | 'verbose' | 'color'> {
  const isGiven = (...names: readonly string[]): boolean => names.some((name) => argv.includes(name))
  const color = argv[argv.indexOf('--color') + 1]
  const isPlain = argv.includes('--color=never') || (argv.includes('--color') && color === 'never')
  return {
    json: isGiven('--json'),
    quiet: isGiven('-q', '--quiet'),
    verbose: false,
    color: isPlain ? 'never' : 'auto',
  }
}

function oneLine(message: string): string {
  return message.replace(/^error: /, '').replaceAll('\n', ' ')
}

/** Whatever came of it, Ctrl-C was the reason. */
function interruption(cause: unknown): unknown {
  const isAbort = cause instanceof Error && cause.name === 'AbortError'
  return isAbort ? cause : Object.assign(new InterruptedByUser(), { cause })
}

class InterruptedByUser extends Error {
  override readonly name = 'AbortError'
  override readonly message = 'interrupted'
}
