import { assert } from '@varve/pack/base'
import { checkOptions } from '@varve/pack/errors'
import { type EntryTarget, type NodeRef, diffTrees as nodeDiff, type RawName } from '@varve/pack/objects'
import {
  type Change,
  type Commit,
  type Cursor,
  type DiffOptions,
  diffRules,
  type Tree,
} from '../api/index.ts'
import { rootIn } from './overlay/index.ts'
import {
  blamed,
  entryAt,
  followNames,
  isDirectory,
  LazyCursor,
  nodeOf,
  parsePath,
  stateOf,
  type TreeState,
  type TreeStorage,
} from './reading/index.ts'

interface Difference {
  readonly before: EntryTarget | undefined
  readonly after: EntryTarget | undefined
}

/** What `diffTrees` compares; `undefined` is the empty tree. */
export type DiffSide = Tree | Commit | undefined

/**
 * What is different in `newer`, as changes of blobs and of empty directories in the order of the walk; other
 * directories show by what is in them. Costs what differs. Trees of another opening are compared by their
 * copies in the store of the first.
 */
export function diffTrees(older: DiffSide, newer: DiffSide, o: DiffOptions = {}): Cursor<Change> {
  checkOptions(o, diffRules)
  return new LazyCursor(changesOf(older, newer, o), o.signal)
}

/** The same as a source for a cursor. */
export function* changesOf(
  older: DiffSide,
  newer: DiffSide,
  o: DiffOptions,
): Generator<Change, void, undefined> {
  const before = sideState(older)
  const after = sideState(newer)
  const storage = (before ?? after)?.storage
  const names = parsePath(o.path ?? [])
  if (storage === undefined) return
  try {
    yield* changesBelow(storage, names, {
      before: targetIn(storage, before, names),
      after: targetIn(storage, after, names),
    })
  } catch (error) {
    throw blamed(storage, error)
  }
}

function* changesBelow(
  storage: TreeStorage,
  names: readonly RawName[],
  { before, after }: Difference,
): Generator<Change, void, undefined> {
  // The tree itself is never an entry of its own diff, not even when one side of it is empty.
  const shown = { before: shownTarget(names, before), after: shownTarget(names, after) }
  const isSame = shown.before?.hash === shown.after?.hash && shown.before?.mode === shown.after?.mode
  if (!isSame) yield changeAt(names, shown)
  for (const { path, ...difference } of nodeDiff(storage.nodes, directoryOf(before), directoryOf(after))) {
    yield changeAt([...names, ...path], difference)
  }
}

function changeAt(names: readonly RawName[], { before, after }: Difference): Change {
  const path = names
  if (before === undefined) {
    assert(after !== undefined, 'a change has a side')
    const entry = entryAt(path, after)
    return { type: 'added', path: entry.path, after: entry }
  }
  const entry = entryAt(path, before)
  if (after === undefined) return { type: 'removed', path: entry.path, before: entry }
  return { type: 'changed', path: entry.path, before: entry, after: entryAt(path, after) }
}

function sideState(side: DiffSide): TreeState | undefined {
  if (side === undefined) return undefined
  const state = stateOf(side) ?? ('tree' in side ? stateOf(side.tree()) : undefined)
  assert(state !== undefined, 'a tree or a commit is one of this library')
  return state
}

function targetIn(
  storage: TreeStorage,
  state: TreeState | undefined,
  names: readonly RawName[],
): EntryTarget | undefined {
  return state === undefined ? undefined : followNames(storage, rootIn(storage, state), names)
}

/** What is reported for a target itself: a blob or an empty directory. */
function shownTarget(names: readonly RawName[], target: EntryTarget | undefined): EntryTarget | undefined {
  if (target === undefined || names.length === 0) return undefined
  return isDirectory(target) && target.count > 0 ? undefined : target
}

function directoryOf(target: EntryTarget | undefined): NodeRef | undefined {
  return target !== undefined && isDirectory(target) ? nodeOf(target) : undefined
}
