import { type Command, CommanderError } from 'commander'
import { candidatesFor, filesLine } from '../completion/index.ts'
import type { Host } from '../host/index.ts'
import type { GlobalOptions } from '../terminal/index.ts'
import { CommandRunner, globalOptions, type Runner } from './command-runner.ts'
import { type HelpListener, makeProgram } from './program.ts'

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
  const asked = new AskedText(host.stdout.columns)
  const command = makeProgram(runner, asked)
  try {
    const ended = await parsed(command, argv)
    if (ended === undefined) return runner.exitCode
    if (ended.exitCode !== 0) throw await usageFailure(ended)
    await showAsked(asked, { isVersion: ended.code === 'commander.version', argv, host })
    return 0
  } catch (cause) {
    // Ctrl-C reaches the processes that this one has started, too: their end may be noticed first.
    await host.clock.turn()
    const { reportFailure } = await import('../terminal/index.ts')
    const failure = host.interrupted.aborted ? interruption(cause) : cause
    // A command line that could not be read has no options yet.
    const options = runner.commandName === undefined ? optionsIn(argv) : globalOptions(command)
    return reportFailure(failure, host, { ...options, command: runner.commandName })
  }
}

/** Reads and runs it. What it gives says why nothing was run: a question about the program, or a mistake. */
async function parsed(command: Command, argv: readonly string[]): Promise<CommanderError | undefined> {
  try {
    await command.parseAsync(argv, { from: 'user' })
    return undefined
  } catch (cause) {
    if (cause instanceof CommanderError) return cause
    throw cause
  }
}

/** The help or the version that a command line asks for. */
class AskedText implements HelpListener {
  readonly columns: number
  text = ''
  topic = ''

  constructor(columns: number) {
    this.columns = columns
  }

  onText(text: string, topic: string): void {
    this.text += text
    this.topic = topic
  }
}

async function showAsked(
  { text, topic }: AskedText,
  o: { readonly isVersion: boolean; readonly argv: readonly string[]; readonly host: Host },
): Promise<void> {
  const { Output } = await import('../terminal/index.ts')
  const output = new Output(o.host, optionsIn(o.argv))
  const said = text.trimEnd()
  const json = o.isVersion ? { type: 'version', version: said } : { type: 'help', topic, text }
  await output.document(json, () => [said])
}

/**
 * What a shell's question is answered with; `undefined` when the command line is none. Loads nothing more.
 */
export function completionLines(argv: readonly string[]): string | undefined {
  if (argv[0] !== COMPLETE) return undefined
  const program = makeProgram(idle, { columns: 80, onText: () => {} })
  const { values, wantsFiles } = candidatesFor(program, argv.slice(1))
  const lines = values.map(({ value, about }) => `${value}\t${about}`)
  if (wantsFiles) lines.push(filesLine)
  return lines.map((line) => `${line}\n`).join('')
}

/** What is wrong with a command line. */
async function usageFailure({ code, message }: CommanderError): Promise<Error> {
  const { CommandFailure } = await import('../terminal/index.ts')
  const said = code === 'commander.help' ? 'a command is needed' : oneLine(message)
  return new CommandFailure('USAGE', said, { hint: 'varve help lists the commands.' })
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
