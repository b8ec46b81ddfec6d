import { Argument, type Command } from 'commander'
import { shells } from '../completion/index.ts'
import type { Runner } from './command-runner.ts'
import { countValue } from './option-values.ts'

/** inspect, completion, help. */
export function addToolCommands(program: Command, runner: Runner): void {
  program
    .command('inspect')
    .description('what a file of a store says')
    .argument(
      '<FILE>',
      'control, or a pack, map, idx, checkpoint, manifest, or filter; with --rebuild, lines of JSON',
    )
    .option('--limit <N>', 'stop after so many lines', countValue)
    .option('--rebuild <OUT>', 'make the file again of which FILE, or - for stdin, has the --json lines')
    .action((file: string, options: { limit?: number; rebuild?: string }, command: Command) =>
      runner.run(command, async (context) =>
        (await import('./tools/inspect.ts')).inspect(context, file, options),
      ),
    )
  program
    .command('completion')
    .description('a script for a shell that completes commands')
    .addArgument(new Argument('<SHELL>', 'the shell').choices(shells))
    .action((shell: string, _options, command: Command) =>
      runner.run(command, async (context) =>
        (await import('./tools/completion.ts')).completion(context, shell),
      ),
    )
  program
    .command('help')
    .description('about a command or a topic')
    .argument('[TOPIC...]', 'a command, or: revisions, output, exit-codes, environment')
    .action((topic: string[], _options, command: Command) =>
      runner.run(command, async (context) => (await import('./tools/help.ts')).help(context, program, topic)),
    )
}
