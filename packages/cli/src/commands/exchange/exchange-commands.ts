import { type Command, Option } from 'commander'
import type { Runner } from '../command-runner.ts'
import { depthValue, listed } from '../option-values.ts'

/** backup, clone. */
export function addCopyCommands(program: Command, runner: Runner): void {
  program
    .command('backup')
    .description('the store once more in DIR; again: what is new')
    .argument('<DIR>', 'an empty folder, none, or that of an earlier backup')
    .action((folder: string, _options, command: Command) =>
      runner.run(command, async (context) => (await import('./backup.ts')).backup(context, folder)),
    )
  program
    .command('clone')
    .description('a new store in DIR with branches and tags of SRC')
    .argument('<SRC>', 'the folder of a store')
    .argument('<DIR>', 'an empty folder, or none')
    .option('--ref <ref>', 'only this branch or tag (repeatable)', listed)
    .option('--depth <n>', 'so many commits of each history', depthValue)
    .action((source: string, folder: string, options, command: Command) =>
      runner.run(command, async (context) =>
        (await import('./clone.ts')).clone(context, source, folder, {
          refs: options.ref,
          depth: options.depth,
        }),
      ),
    )
}

/** bundle, import. */
export function addExchangeCommands(program: Command, runner: Runner): void {
  addBundle(program.command('bundle').description('commits with all that they hold, as one file'), runner)
  addImport(program.command('import').description('bring content from elsewhere'), runner)
}

function addBundle(bundle: Command, runner: Runner): void {
  const load = () => import('./bundle.ts')
  bundle
    .command('create')
    .description('write a bundle of these revisions with their history')
    .argument('<FILE|->', 'a file that is not there yet, or - for stdout')
    .argument('[REV...]', 'branches, tags, commits (default: all branches and tags)')
    .option('--not <rev>', 'leave out what this commit reaches (repeatable)', listed)
    .action((file: string, revisions: string[], options, command: Command) =>
      runner.run(command, async (context) =>
        (await load()).bundleCreate(context, file, { revisions, not: options.not ?? [] }),
      ),
    )
  bundle
    .command('verify')
    .description('prove every byte of a bundle; needs no store')
    .argument('<FILE|->', 'the bundle, or - for stdin')
    .action((file: string, _options, command: Command) =>
      runner.run(command, async (context) => (await load()).bundleVerify(context, file)),
    )
  bundle
    .command('import')
    .description('take a bundle in: its branches, tags, and commits')
    .argument('<FILE|->', 'the bundle, or - for stdin')
    .action((file: string, _options, command: Command) =>
      runner.run(command, async (context) => (await load()).bundleImport(context, file)),
    )
}

function addImport(command: Command, runner: Runner): void {
  command
    .command('git')
    .description('all branches and tags of a Git repository, with their history; again: what is new')
    .argument('<REPO>', 'a folder of the repository')
    .option('--ref <ref>', 'refs beside branches and tags: a name, a prefix, a pattern (repeatable)', listed)
    .addOption(
      new Option('--missing <what>', 'what to do about objects that Git cannot supply')
        .choices(['refuse', 'skip'])
        .default('refuse'),
    )
    .option('--force', 'also move branches with commits of their own here, and tags')
    .action((folder: string, options, inner: Command) =>
      runner.run(inner, async (context) =>
        (await import('./import-git.ts')).importGit(context, folder, {
          refs: options.ref ?? [],
          missing: options.missing,
          force: options.force === true,
        }),
      ),
    )
}
