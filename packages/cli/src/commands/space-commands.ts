import type { Command } from 'commander'
import type { Runner } from './command-runner.ts'
import { durationValue, listed, partValue } from './option-values.ts'

/** gc, volume. */
export function addSpaceCommands(program: Command, runner: Runner): void {
  addGc(program.command('gc').description('collections: make room'), runner)
  addVolume(program.command('volume').description('the lower layer: what collections archive'), runner)
}

function addVolume(volume: Command, runner: Runner): void {
  const load = () => import('./space/volume.ts')
  volume
    .command('ls')
    .description('the volumes of the store, or what one holds')
    .argument('[DIR]', "a volume's folder, wherever it lies")
    .action((folder: string | undefined, _options, command: Command) =>
      runner.run(command, async (context) => (await load()).volumeLs(context, folder)),
    )
  volume
    .command('add')
    .description('begin the next volume')
    .option('--lower <dir>', 'give the store a lower layer, or say where it is now')
    .action((options: { lower?: string }, command: Command) =>
      runner.run(command, async (context) => (await load()).volumeAdd(context, options.lower)),
    )
  volume
    .command('verify')
    .description('whether every file of the volumes is what was archived')
    .argument('[DIR]', "one volume's folder, wherever it lies; without it the store with all of its volumes")
    .option('--full', 'compute the hash of every object again')
    .option('--sample <part>', 'of a part of them: 2%', partValue)
    .action((folder: string | undefined, options, command: Command) =>
      runner.run(command, async (context) =>
        (await load()).volumeVerify(context, folder, { full: options.full === true, sample: options.sample }),
      ),
    )
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
