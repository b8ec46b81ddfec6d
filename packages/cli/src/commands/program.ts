import { Command, Option } from 'commander'
import type { Runner } from './command-runner.ts'
import { addContentCommands } from './content-commands.ts'
import { addCopyCommands, addExchangeCommands } from './exchange/exchange-commands.ts'
import { addHistoryCommands } from './history-commands.ts'
import { durationValue } from './option-values.ts'
import { addRefCommands } from './ref-commands.ts'
import { addSpaceCommands } from './space-commands.ts'
import { addStoreCommands } from './store-commands.ts'
import { addToolCommands } from './tool-commands.ts'
import { version } from './version.ts'

/** Who is told what a command line asks about the program itself: help, or the version. */
export interface HelpListener {
  readonly columns: number
  /** @param topic names of the command, as `help` takes them; empty for the whole program */
  onText(text: string, topic: string): void
}

/** The whole command tree. Making it loads no command. */
export function makeProgram(runner: Runner, help: HelpListener): Command {
  const command = new Command('varve')
    .description('Look into, write to, and collect a Varve store.')
    .version(version, '-V, --version', 'the version of this command')
    .option('-s, --store <dir>', 'the store (default: $VARVE_STORE, then ./.varve)')
    .option('--json', 'JSON on stdout, and errors as JSON on stderr')
    .option('-q, --quiet', 'no progress and no hints')
    .option('-v, --verbose', 'more about what happens, and about errors')
    .option('--progress', 'progress on stderr, also without a terminal or with --json')
    .option('--no-progress', 'no progress')
    .addOption(new Option('--color <when>', 'colours').choices(['auto', 'always', 'never']).default('auto'))
    .option('--no-pager', 'log and diff: no pager on a terminal')
    .option('--wait <duration>', 'wait so long for another writer to leave', durationValue)
    .helpCommand(false)
    .showHelpAfterError(false)
    .exitOverride()
    .configureHelp({ sortSubcommands: false, showGlobalOptions: false })
  addStoreCommands(command, runner)
  addCopyCommands(command, runner)
  addContentCommands(command, runner)
  addHistoryCommands(command, runner)
  addRefCommands(command, runner)
  addSpaceCommands(command, runner)
  addExchangeCommands(command, runner)
  addToolCommands(command, runner)
  inherit(command, (part) =>
    part
      .exitOverride()
      .allowExcessArguments(false)
      .configureOutput({
        writeOut: (text) => help.onText(text, topicOf(part)),
        writeErr: () => {},
        getOutHelpWidth: () => help.columns,
        getErrHelpWidth: () => help.columns,
        getOutHasColors: () => false,
        getErrHasColors: () => false,
      }),
  )
  return command
}

/** 'branch rm' */
function topicOf(command: Command): string {
  const names: string[] = []
  for (let at = command; at.parent !== null; at = at.parent) names.unshift(at.name())
  return names.join(' ')
}

function inherit(command: Command, change: (part: Command) => unknown): void {
  change(command)
  for (const part of command.commands) inherit(part, change)
}
