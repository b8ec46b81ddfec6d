import type { Commit, StoreReader } from '@varve/store'
import { firstLine, shownLines } from '../../terminal/index.ts'
import { type CommandContext, commitJson, findCommit, openForReading, parsePath } from '../context/index.ts'

export interface LogOptions {
  readonly not: readonly string[]
  readonly path?: string | undefined
  readonly limit?: number | undefined
  readonly firstParent: boolean
  readonly oneline: boolean
}

/** Commits, every one before its parents; of all branches when no revision is named. */
export async function log(
  context: CommandContext,
  revisions: readonly string[],
  options: LogOptions,
): Promise<void> {
  const { output, signal } = context
  await openForReading(context, async (store) => {
    const from = await commitsOf(store, revisions)
    if (from.length === 0) return
    const not = await Promise.all(options.not.map((text) => findCommit(store, text)))
    const names = await namesByCommit(store)
    const { limit, firstParent } = options
    const path = options.path === undefined ? undefined : parsePath(options.path)
    for await (const commit of store.log(from, { not, limit, firstParent, path, signal })) {
      const refs = names.get(commit.hash) ?? []
      if (output.isJson) await output.line(JSON.stringify({ type: 'commit', ...commitJson(commit), refs }))
      else for (const line of linesOf(context, commit, refs, options.oneline)) await output.line(line)
    }
    await output.flush()
  })
}

function linesOf(
  { output }: CommandContext,
  commit: Commit,
  refs: readonly string[],
  isOneline: boolean,
): string[] {
  const { palette } = output
  const date = output.date(commit.date)
  if (!output.isForEyes) {
    return [
      [commit.hash, date, firstLine(commit.author), refs.join(','), firstLine(commit.message)].join('\t'),
    ]
  }
  const where = refs.length === 0 ? '' : ` ${palette.green(`(${refs.join(', ')})`)}`
  const hash = palette.yellow(output.hash(commit.hash))
  if (isOneline) return [`${hash}${where} ${firstLine(commit.message)}`]
  const message = shownLines(commit.message.trimEnd()).split('\n')
  return [
    `${hash}${where}`,
    palette.dim(`${date}  ${firstLine(commit.author)}${commit.parents.length > 1 ? '  merge' : ''}`),
    ...message.map((line) => (line === '' ? '' : `    ${line}`)),
    '',
  ]
}

async function commitsOf(store: StoreReader, revisions: readonly string[]): Promise<Commit[]> {
  if (revisions.length > 0) return Promise.all(revisions.map((text) => findCommit(store, text)))
  const heads: Commit[] = []
  for await (const branch of store.branches()) {
    const head = await branch.head()
    if (head !== undefined) heads.push(head)
  }
  return heads
}

async function namesByCommit(store: StoreReader): Promise<Map<string, string[]>> {
  const names = new Map<string, string[]>()
  const add = (hash: string | undefined, name: string): void => {
    if (hash !== undefined) names.set(hash, [...(names.get(hash) ?? []), name])
  }
  for await (const branch of store.branches()) add((await branch.head())?.hash, branch.name)
  for await (const tag of store.tags()) add((await tag.target())?.hash, `tag: ${tag.name}`)
  return names
}
