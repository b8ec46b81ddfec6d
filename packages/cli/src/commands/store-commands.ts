import type { Command } from 'commander'
import type { Runner } from './command-runner.ts'

/** init, status, du: loaded when called, as all commands are. */
export function addStoreCommands(program: Command, runner: Runner): void {
  program
    .command('init')
    .description('make a new, empty store')
    .action((_options, command: Command) =>
      runner.run(command, async (context) => (await import('./store/init.ts')).init(context)),
    )
  program
    .command('status')
    .description('what the store holds, and its files')
    .action((_options, command: Command) =>
      runner.run(command, async (context) => (await import('./store/status.ts')).status(context)),
    )
  program
    .command('du')
    .description('bytes below a directory; without REV, of files')
    .argument('[REV[:PATH]]', 'a revision, or a directory in it')
    .action((target: string | undefined, _options, command: Command) =>
      runner.run(command, async (context) => (await import('./store/du.ts')).du(context, target)),
    )
}
