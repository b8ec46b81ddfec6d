import type { RawName } from '../../names/raw-name.ts'
import type { NodeReader, NodeRef } from '../../node-seam.ts'
import { type EntryTarget, entryMode } from '../entry.ts'
import { diffDirectories, type EntryDifference } from './diff-directories.ts'

/** A difference somewhere below two roots. */
export interface PathDifference {
  /** Names from the root down. */
  readonly path: readonly RawName[]
  readonly before: EntryTarget | undefined
  readonly after: EntryTarget | undefined
}

/** A directory pair under way. */
interface Open {
  readonly path: readonly RawName[]
  readonly differences: Iterator<EntryDifference>
}

/**
 * All differences below two directories, in path order: of blobs, and of directories only where they are
 * empty on the side they are on. A blob in whose place a directory comes is a removal, followed by what is in
 * the directory. Iterative, so depth is no limit.
 */
export function* diffTrees(
  reader: NodeReader,
  before: NodeRef | undefined,
  after: NodeRef | undefined,
): Generator<PathDifference, void, undefined> {
  const stack: Open[] = [{ path: [], differences: diffDirectories(reader, before, after) }]
  for (let top = stack.at(-1); top !== undefined; top = stack.at(-1)) {
    const next = top.differences.next()
    if (next.done === true) {
      stack.pop()
      continue
    }
    const difference = next.value
    const path = [...top.path, difference.name]
    const shown = { path, before: visible(difference.before), after: visible(difference.after) }
    if (shown.before !== undefined || shown.after !== undefined) yield shown
    const oldRoot = directoryRef(difference.before)
    const newRoot = directoryRef(difference.after)
    if (oldRoot === undefined && newRoot === undefined) continue
    stack.push({ path, differences: diffDirectories(reader, oldRoot, newRoot) })
  }
}

/** What is reported for an entry itself: directories with something in them are reported by that. */
function visible(target: EntryTarget | undefined): EntryTarget | undefined {
  return target?.mode === entryMode.directory && target.count > 0 ? undefined : target
}

/** The root node of a directory entry; `undefined` for anything else. */
function directoryRef(target: EntryTarget | undefined): NodeRef | undefined {
  if (target?.mode !== entryMode.directory) return undefined
  const { hash, offset, draft } = target
  return { hash, offset, draft: draft?.kind === 'node' ? draft : undefined }
}
