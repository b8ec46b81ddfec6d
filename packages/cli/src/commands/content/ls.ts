import type { Entry, Tree } from '@varve/store'
import type { Cell, Listing } from '../../terminal/index.ts'
import {
  type CommandContext,
  entryJson,
  findRoot,
  modeLetters,
  oddBytes,
  openForReading,
  parseRevisionPath,
  pathNotFound,
  shownPath,
} from '../context/index.ts'

export interface LsOptions {
  readonly long: boolean
  readonly recursive: boolean
  readonly after?: string | undefined
  readonly limit?: number | undefined
}

/** A directory's entries in byte order of their names; of a blob, itself. */
export async function ls(context: CommandContext, target: string, options: LsOptions): Promise<void> {
  await openForReading(context, async (store) => {
    const at = parseRevisionPath(target)
    const root = await findRoot(store, at.revision)
    const entry = await root.stat(at.path)
    if (entry === undefined) throw pathNotFound(at)
    const listing = context.output.listing()
    if (entry.kind === 'blob') await row(context, listing, options, entry, Buffer.from(entry.nameBytes))
    else await list(context, listing, options, await treeAt(root, at.path))
    await listing.end()
  })
}

async function treeAt(root: Tree, path: readonly Uint8Array[]): Promise<Tree> {
  return path.length === 0 ? root : ((await root.getTree(path)) ?? root)
}

async function list(
  context: CommandContext,
  listing: Listing,
  options: LsOptions,
  tree: Tree,
): Promise<void> {
  const { recursive, after, limit } = options
  const range = { recursive, gt: after, limit, signal: context.signal }
  /** Exact names on the way down: an entry's own path is text. */
  const names: Uint8Array[] = []
  for await (const entry of tree.entries('', range)) {
    names.length = Math.min(names.length, entry.path.length - 1)
    // A walk that begins in the middle has not come by the directories above.
    for (let at = names.length; at < entry.path.length - 1; at++)
      names.push(Buffer.from(entry.path[at] ?? ''))
    names.push(entry.nameBytes)
    await row(context, listing, options, entry, joined(names))
  }
}

async function row(
  { output }: CommandContext,
  listing: Listing,
  options: LsOptions,
  entry: Entry,
  path: Buffer,
): Promise<void> {
  const json = {
    type: 'entry',
    path: path.toString('utf8'),
    ...oddBytes('pathBytes', path),
    ...entryJson(entry),
  }
  await listing.row(json, () => {
    const isDirectory = entry.kind === 'tree'
    const { palette } = output
    const name: Cell = { text: shownPath(path, isDirectory), paint: isDirectory ? palette.cyan : undefined }
    if (!options.long) return [name]
    const letter = modeLetters[entry.kind === 'blob' ? entry.mode : 'tree'] ?? '?'
    const size = entry.kind === 'blob' ? entry.size : entry.bytes
    return [
      { text: letter },
      { text: output.size(size), isRight: true },
      { text: output.hash(entry.hash), paint: palette.dim },
      name,
    ]
  })
}

function joined(names: readonly Uint8Array[]): Buffer {
  const parts = names.flatMap((name, at) => (at === 0 ? [name] : [SLASH, name]))
  return Buffer.concat(parts)
}

const SLASH = Buffer.from('/')
