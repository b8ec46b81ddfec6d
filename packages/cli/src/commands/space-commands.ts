import type { Command } from 'commander'
import type { Runner } from './command-runner.ts'
import { durationValue, listed } from './option-values.ts'

/** gc. */
export function addSpaceCommands(program: Command, runner: Runner): void {
  addGc(program.command('gc').description('collections: make room'), runner)
}

function addGc(gc: Command, runner: Runner): void {
  const load = () => import('./space/gc.ts')
  gc.command('run')
    .description('drop history before TARGET; without it, what no branch and no tag reaches')
    .argument('[TARGET]', 'the oldest commit to keep with the history after it')
    .option('--keep <rev>', 'keep this commit, too (repeatable)', listed)
    .option('--grace <duration>', 'how long bare blobs are kept (default: 10m)', durationValue)
    .option('-n, --dry-run', 'only say what would be done')
    .option('--yes', 'do not ask')
    .action((target: string | undefined, options, command: Command) =>
      runner.run(command, async (context) =>
        (await load()).gcRun(context, target, {
          keep: options.keep ?? [],
          grace: options.grace,
          dryRun: options.dryRun === true,
          yes: options.yes === true,
        }),
      ),
    )
  gc.command('status')
    .description('whether a collection runs, and what was collected last')
    .action((_options, command: Command) =>
      runner.run(command, async (context) => (await load()).gcStatus(context)),
    )
}
