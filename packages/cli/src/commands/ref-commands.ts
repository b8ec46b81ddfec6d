import type { Command } from 'commander'
import type { Runner } from './command-runner.ts'

/** branch, tag. */
export function addRefCommands(program: Command, runner: Runner): void {
  addBranch(program.command('branch').description('names of commits that move'), runner)
  addTag(program.command('tag').description('names of commits that stay'), runner)
}

function addBranch(branch: Command, runner: Runner): void {
  const load = () => import('./refs/branch.ts')
  branch
    .command('ls', { isDefault: true })
    .description('all branches')
    .argument('[PREFIX]', 'only names that begin so')
    .action((prefix: string | undefined, _options, command: Command) =>
      runner.run(command, async (context) => (await load()).branchLs(context, prefix)),
    )
  branch
    .command('create')
    .description('a new branch')
    .argument('<NAME>', 'of the branch')
    .argument('<REV>', 'where it begins')
    .action((name: string, revision: string, _options, command: Command) =>
      runner.run(command, async (context) => (await load()).branchCreate(context, name, revision)),
    )
  branch
    .command('mv')
    .description('give a branch another name')
    .argument('<OLD>', 'name')
    .argument('<NEW>', 'name')
    .action((from: string, to: string, _options, command: Command) =>
      runner.run(command, async (context) => (await load()).branchMv(context, from, to)),
    )
  branch
    .command('rm')
    .description('remove branches; what only they reach goes with the next collection')
    .argument('<NAME...>', 'of the branches')
    .option('-n, --dry-run', 'only say what would be done')
    .option('--yes', 'do not ask')
    .action((names: string[], options, command: Command) =>
      runner.run(command, async (context) =>
        (await load()).branchRm(context, names, {
          dryRun: options.dryRun === true,
          yes: options.yes === true,
        }),
      ),
    )
  branch
    .command('set')
    .description('move a branch, wherever it was')
    .argument('<NAME>', 'of the branch; made if it is not there')
    .argument('<REV>', 'where to')
    .action((name: string, revision: string, _options, command: Command) =>
      runner.run(command, async (context) => (await load()).branchSet(context, name, revision)),
    )
}

function addTag(tag: Command, runner: Runner): void {
  const load = () => import('./refs/tag.ts')
  tag
    .command('ls', { isDefault: true })
    .description('all tags')
    .argument('[PREFIX]', 'only names that begin so')
    .action((prefix: string | undefined, _options, command: Command) =>
      runner.run(command, async (context) => (await load()).tagLs(context, prefix)),
    )
  tag
    .command('create')
    .description('a new tag; with a message or an author an annotated one')
    .argument('<NAME>', 'of the tag')
    .argument('<REV>', 'what it names')
    .option('-m, --message <text>', 'message of the tag')
    .option('--author <text>', 'who says so')
    .action((name: string, revision: string, options, command: Command) =>
      runner.run(command, async (context) => (await load()).tagCreate(context, { name, revision }, options)),
    )
  tag
    .command('rm')
    .description('remove tags; what only they reach goes with the next collection')
    .argument('<NAME...>', 'of the tags')
    .option('-n, --dry-run', 'only say what would be done')
    .option('--yes', 'do not ask')
    .action((names: string[], options, command: Command) =>
      runner.run(command, async (context) =>
        (await load()).tagRm(context, names, { dryRun: options.dryRun === true, yes: options.yes === true }),
      ),
    )
}
