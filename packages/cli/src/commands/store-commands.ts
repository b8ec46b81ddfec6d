import type { Command } from 'commander'
import type { Runner } from './command-runner.ts'
import { countValue, partValue } from './option-values.ts'

/** init, status, du, check, repair, doctor: loaded when called, as all commands are. */
export function addStoreCommands(program: Command, runner: Runner): void {
  program
    .command('init')
    .description('make a new, empty store')
    .option('--lower <dir>', 'archive in this folder what collections would delete')
    .action((options: { lower?: string }, command: Command) =>
      runner.run(command, async (context) => (await import('./store/init.ts')).init(context, options.lower)),
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
    .option('--limit <N>', 'of a directory: only the N largest, the others in one line', countValue)
    .action((target: string | undefined, options: { limit?: number }, command: Command) =>
      runner.run(command, async (context) => (await import('./store/du.ts')).du(context, target, options)),
    )
  program
    .command('check')
    .description('whether every file of the store is what was written')
    .option('--full', 'compute the hash of every object again')
    .option('--sample <part>', 'of a part of them: 2%', partValue)
    .option('--lower', 'the volumes of the lower layer, too')
    .action((options, command: Command) =>
      runner.run(command, async (context) =>
        (await import('./store/check.ts')).check(context, {
          full: options.full === true,
          sample: options.sample,
          lower: options.lower === true,
        }),
      ),
    )
  program
    .command('repair')
    .description('what can be done about damage; --apply does it')
    .option('--apply', 'do it')
    .option('--from <store>', 'another store, or a copy of this one, to take files and objects from')
    .action((options, command: Command) =>
      runner.run(command, async (context) =>
        (await import('./store/repair.ts')).repair(context, {
          apply: options.apply === true,
          from: options.from,
        }),
      ),
    )
  program
    .command('doctor')
    .description('facts for a report of a fault; nothing of what is stored')
    .option('--bundle <file>', 'also into a new file, as JSON')
    .action((options, command: Command) =>
      runner.run(command, async (context) =>
        (await import('./store/doctor.ts')).doctor(context, {
          ...(options.bundle !== undefined && { bundle: options.bundle }),
        }),
      ),
    )
}
