import type { Commit, Hash, StoreReader } from '@varve/store'
import { firstLine, shownLines } from '../../terminal/index.ts'
import {
  type CommandContext,
  commitJson,
  findCommit,
  openForReading,
  tagJson,
  tagLines,
  tagNamed,
} from '../context/index.ts'
import { listChanges } from './change-lines.ts'

/** A commit with what it changed since its first parent, after what its tag says; or what a hash is. */
export async function show(context: CommandContext, text: string): Promise<void> {
  await openForReading(context, async (store) => {
    if (/^[0-9a-f]{64}$/.test(text) && (await showObject(context, store, text))) return
    const commit = await findCommit(store, text)
    await showTag(context, store, { name: text, commit })
    await showCommit(context, store, commit)
  })
}

/** False when the hash is neither that of a blob nor that of a tree. */
async function showObject({ output }: CommandContext, store: StoreReader, hash: string): Promise<boolean> {
  const blob = await store.openBlob(hash as Hash<'blob'>)
  if (blob !== undefined) {
    const { size } = blob
    await output.facts({ type: 'blob', hash, size }, [
      ['blob', hash],
      ['size', output.size(size)],
    ])
    return true
  }
  const tree = await store.getTree(hash as Hash<'tree'>)
  const entry = await tree?.stat('')
  if (entry?.kind !== 'tree') return false
  const { count, bytes } = entry
  await output.facts({ type: 'tree', hash, count, bytes }, [
    ['tree', hash],
    ['entries', output.count(count)],
    ['bytes', output.size(bytes)],
  ])
  return true
}

/** Nothing when the name is none of a tag, or of one that says nothing. */
async function showTag(
  { output }: CommandContext,
  store: StoreReader,
  { name, commit }: { readonly name: string; readonly commit: Commit },
): Promise<void> {
  const tag = await tagNamed(store, name, commit)
  if (tag?.annotation === undefined) return
  if (output.isJson) await output.line(JSON.stringify(tagJson(tag)))
  else for (const line of tagLines(output, tag)) await output.line(line)
}

async function showCommit(context: CommandContext, store: StoreReader, commit: Commit): Promise<void> {
  const { output, signal } = context
  const [parent] = commit.parents
  const before = parent === undefined ? undefined : await store.getCommit(parent)
  if (output.isJson) await output.line(JSON.stringify({ type: 'commit', ...commitJson(commit) }))
  else for (const line of headerOf(context, commit)) await output.line(line)
  // Beyond the horizon of a collection there is nothing to compare with.
  if (parent === undefined || before !== undefined) {
    const listing = output.listing()
    await listChanges(context, listing, store.diff(before, commit, { signal }), 'name-status')
    await listing.end()
  }
  await output.flush()
}

function headerOf({ output }: CommandContext, commit: Commit): string[] {
  const { palette } = output
  const fact = (name: string, value: string): string =>
    output.isForEyes ? `${palette.dim(name.padEnd(8))}${value}` : `${name}\t${value}`
  const short = (text: string): string => firstLine(text.length > 100 ? `${text.slice(0, 100)}…` : text)
  return [
    fact('commit', palette.yellow(commit.hash)),
    fact('tree', commit.treeHash),
    ...commit.parents.map((hash) => fact('parent', hash)),
    fact('author', firstLine(commit.author)),
    fact('date', output.date(commit.date)),
    ...Object.entries(commit.extra).map(([key, value]) => fact('extra', `${firstLine(key)} ${short(value)}`)),
    '',
    ...shownLines(commit.message.trimEnd())
      .split('\n')
      .map((line) => (line === '' ? '' : `    ${line}`)),
    '',
  ]
}
