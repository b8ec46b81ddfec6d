/** Long texts for a person go through a pager. */
import type { Host, HostPager, PagerCommand } from '../host/index.ts'
import { CommandFailure } from './command-failure.ts'
import type { GlobalOptions } from './global-options.ts'
import { Output } from './output.ts'

/** What a shell answers that cannot run a command, or cannot find it. */
const EXITS_WITHOUT_PAGER: readonly number[] = [126, 127]

type PagingOptions = Pick<GlobalOptions, 'json' | 'color' | 'pager'>

/**
 * Which pager, if any: `$VARVE_PAGER`, else `$PAGER`, else less. None when stdout is no terminal, for JSON,
 * with --no-pager, and when the variable is empty or says `cat`.
 */
export function pagerChoice(
  { stdout, environment }: Pick<Host, 'stdout' | 'environment'>,
  options: PagingOptions,
): PagerCommand | undefined {
  if (!stdout.isTerminal || options.json || !options.pager) return undefined
  const line = (environment['VARVE_PAGER'] ?? environment['PAGER'])?.trim()
  if (line === undefined) return { line: 'less', args: ['-FRX'] }
  return line === '' || line === 'cat' ? undefined : { line }
}

/** What a command prints to, and when nobody wants any more of it. */
export interface Paged {
  readonly output: Output
  readonly signal: AbortSignal
}

/**
 * Runs a command whose output goes through a pager, where there is one to use, and waits until the person has
 * read it. One who leaves early has seen enough: that is no failure.
 * @throws CommandFailure USAGE when the pager cannot be run, and what the work throws
 */
export async function throughPager<T>(
  host: Host,
  options: PagingOptions,
  work: (paged: Paged | undefined) => Promise<T>,
): Promise<T | undefined> {
  const choice = pagerChoice(host, options)
  const pager = choice && (await host.startPager(choice))
  if (choice === undefined || pager === undefined) return work(undefined)
  const output = new Output({ ...host, stdout: pager.output }, options)
  const signal = AbortSignal.any([host.interrupted, pager.gone])
  let result: T | undefined
  try {
    result = await work({ output, signal })
  } catch (cause) {
    const hasLeft = pager.gone.aborted && !host.interrupted.aborted
    await ended(pager, choice)
    if (!hasLeft || !isAbort(cause)) throw cause
    return undefined
  }
  await ended(pager, choice)
  return result
}

async function ended(pager: HostPager, { line }: PagerCommand): Promise<void> {
  if (!EXITS_WITHOUT_PAGER.includes(await pager.end())) return
  throw new CommandFailure('USAGE', `the pager ${JSON.stringify(line)} cannot be run`, {
    hint: '$VARVE_PAGER or $PAGER names it; --no-pager does without.',
  })
}

function isAbort(cause: unknown): boolean {
  if (!(cause instanceof Error)) return false
  return cause.name === 'AbortError' || ('code' in cause && cause.code === 'ABORTED')
}
