import { type Command, Option } from 'commander'
import type { Runner } from './command-runner.ts'
import { countValue, rangeValue } from './option-values.ts'

/** ls, cat, set, rm, checkout, blob. */
export function addContentCommands(program: Command, runner: Runner): void {
  addReading(program, runner)
  addWriting(program, runner)
  addCheckout(program, runner)
  addBlob(program, runner)
}

function addReading(program: Command, runner: Runner): void {
  program
    .command('ls')
    .description('the entries of a directory')
    .argument('<REV[:PATH]>', 'a revision, and a path in it')
    .option('-l, --long', 'with mode, size, and hash')
    .option('-R, --recursive', 'with all that is below')
    .option('--after <name>', 'begin after this name (with -R: path)')
    .option('--limit <n>', 'at most so many', countValue)
    .action((target: string, options, command: Command) =>
      runner.run(command, async (context) =>
        (await import('./content/ls.ts')).ls(context, target, {
          long: options.long === true,
          recursive: options.recursive === true,
          after: options.after,
          limit: options.limit,
        }),
      ),
    )
  program
    .command('cat')
    .description('the exact bytes of a blob')
    .argument('<REV:PATH|HASH>', 'a file in a revision, or the hash of a blob')
    .option('--range <offset:length>', 'only these bytes', rangeValue)
    .action((target: string, options, command: Command) =>
      runner.run(command, async (context) =>
        (await import('./content/cat.ts')).cat(context, target, options.range),
      ),
    )
}

function addWriting(program: Command, runner: Runner): void {
  program
    .command('set')
    .description('commit content at a path')
    .argument('<BRANCH:PATH>', 'where')
    .argument('[FILE]', 'what; stdin when absent or -')
    .option('-m, --message <text>', 'message of the commit')
    .option('--author <text>', 'author of the commit (default: $VARVE_AUTHOR)')
    .addOption(
      new Option('--mode <mode>', 'kind of file').choices(['file', 'executable', 'symlink']).default('file'),
    )
    .option('--replace', 'put it in the place of a directory, too')
    .action((target: string, file: string | undefined, options, command: Command) =>
      runner.run(command, async (context) =>
        (await import('./content/set.ts')).set(context, target, file, {
          ...options,
          replace: options.replace === true,
        }),
      ),
    )
  program
    .command('rm')
    .description('commit without these paths')
    .argument('<BRANCH:PATH...>', 'what; all on one branch')
    .option('-m, --message <text>', 'message of the commit')
    .option('--author <text>', 'author of the commit (default: $VARVE_AUTHOR)')
    .option('-n, --dry-run', 'only say what would be done')
    .option('--yes', 'do not ask')
    .action((targets: string[], options, command: Command) =>
      runner.run(command, async (context) =>
        (await import('./content/rm.ts')).rm(context, targets, {
          ...options,
          dryRun: options.dryRun === true,
          yes: options.yes === true,
        }),
      ),
    )
}

function addCheckout(program: Command, runner: Runner): void {
  program
    .command('checkout')
    .description('write a directory to files')
    .argument('<REV[:PATH]>', 'a revision, or a directory in it')
    .argument('<DIR>', 'a folder that is empty or absent')
    .option('--merge', 'into a folder with files: replace those of the same paths, leave the others')
    .addOption(
      new Option('--delete', 'into a folder with files: afterwards it holds this and nothing else').conflicts(
        'merge',
      ),
    )
    .option('--dot-git', 'write names that Git takes for its own, too')
    .option('-n, --dry-run', 'only say what would be done')
    .option('--yes', 'do not ask before files are deleted')
    .action((target: string, folder: string, options, command: Command) =>
      runner.run(command, async (context) =>
        (await import('./content/checkout.ts')).checkout(context, target, folder, {
          existing: options.delete === true ? 'delete' : options.merge === true ? 'merge' : 'refuse',
          allowDotGit: options.dotGit === true,
          dryRun: options.dryRun === true,
          yes: options.yes === true,
        }),
      ),
    )
}

function addBlob(program: Command, runner: Runner): void {
  const blob = program.command('blob').description('content without a path')
  blob
    .command('put')
    .description('store the content of a file, or of stdin, and print its hash')
    .argument('[FILE]', 'what; stdin when absent or -')
    .option('--expect <hash>', 'fail if the content has another hash')
    .action((file: string | undefined, options, command: Command) =>
      runner.run(command, async (context) =>
        (await import('./content/blob.ts')).blobPut(context, file, options.expect),
      ),
    )
  blob
    .command('has')
    .description('whether the store holds these blobs; exit code 3 if one is absent')
    .argument('[HASH...]', 'hashes; one a line from stdin when absent or -')
    .action((hashes: string[], _options, command: Command) =>
      runner.run(command, async (context) => (await import('./content/blob.ts')).blobHas(context, hashes)),
    )
}
