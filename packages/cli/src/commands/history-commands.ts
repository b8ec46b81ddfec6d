import type { Command } from 'commander'
import type { Runner } from './command-runner.ts'
import type { CommandContext } from './context/index.ts'
import { countValue, listed } from './option-values.ts'

/** log, show, diff. */
export function addHistoryCommands(program: Command, runner: Runner): void {
  program
    .command('log')
    .description('commits, each before its parents')
    .argument('[REV...]', 'where to begin (default: all branches)')
    .option('--not <rev>', 'leave this commit and its ancestors out (repeatable)', listed)
    .option('--path <path>', 'only commits that changed something there')
    .option('-n, --limit <n>', 'at most so many', countValue)
    .option('--first-parent', 'follow only the first parent of each commit')
    .option('--oneline', 'one line a commit')
    .action((revisions: string[], options, command: Command) =>
      runner.run(command, async (context) =>
        paged(context, async (inner) =>
          (await import('./history/log.ts')).log(inner, revisions, {
            not: options.not ?? [],
            path: options.path,
            limit: options.limit,
            firstParent: options.firstParent === true,
            oneline: options.oneline === true,
          }),
        ),
      ),
    )
  program
    .command('show')
    .description('a commit and what it changed')
    .argument('<REV|HASH>', 'a revision, or the hash of a blob or a tree')
    .action((text: string, _options, command: Command) =>
      runner.run(command, async (context) => (await import('./history/show.ts')).show(context, text)),
    )
  addDiff(program, runner)
}

function addDiff(program: Command, runner: Runner): void {
  program
    .command('diff')
    .description('what is different in B')
    .argument('<A>', 'a revision, or the hash of a tree')
    .argument('<B>', 'another')
    .argument('[PATH]', 'only there and below')
    .option('--stat', 'with the change of size')
    .option('--name-status', 'a letter and the path (default)')
    .option('--exit-code', 'exit code 3 if anything is different')
    .action((older: string, newer: string, path: string | undefined, options, command: Command) =>
      runner.run(command, async (context) => {
        const exitCode = options.exitCode === true
        const style = options.stat === true ? 'stat' : 'name-status'
        const work = async (inner: CommandContext): Promise<number> =>
          (await import('./history/diff.ts')).diff(inner, { older, newer }, path, { style, exitCode })
        // Who asks by exit code is a program, which shall not wait for a reader.
        return exitCode ? work(context) : paged(context, work)
      }),
    )
}

async function paged<T>(
  context: CommandContext,
  work: (context: CommandContext) => Promise<T>,
): Promise<T | undefined> {
  const { throughPager } = await import('../terminal/index.ts')
  return throughPager(context.host, context.options, (pager) => work({ ...context, ...pager }))
}
