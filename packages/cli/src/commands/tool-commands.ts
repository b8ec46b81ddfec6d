import { Argument, type Command } from 'commander'
import { shells } from '../completion/index.ts'
import type { CommandRunner } from './command-runner.ts'

/** inspect, completion, help. */
export function addToolCommands(program: Command, runner: CommandRunner): void {
  program
    .command('inspect')
    .description('what a file of a store holds: control, chunk, segment, map, idx, checkpoint')
    .argument('<FILE>', 'the file')
    .action((file: string, _options, command: Command) =>
      runner.run(command, async (context) => (await import('./tools/inspect.ts')).inspect(context, file)),
    )
  program
    .command('completion')
    .description('a script that completes this command in a shell')
    .addArgument(new Argument('<SHELL>', 'the shell').choices(shells))
    .action((shell: string, _options, command: Command) =>
      runner.run(command, async (context) =>
        (await import('./tools/completion.ts')).completion(context, shell),
      ),
    )
  program
    .command('help')
    .description('about a command, or about: revisions, output, exit-codes, environment')
    .argument('[TOPIC...]', 'a command, or one of these words')
    .action((topic: string[], _options, command: Command) =>
      runner.run(command, async (context) => (await import('./tools/help.ts')).help(context, program, topic)),
    )
}
