import { assert } from '@varve/pack/base'
import { type EntryTarget, type NodeRef, type RawName, rawNameText, TreeCursor } from '@varve/pack/objects'
import type { Range } from '../api/index.ts'
import { type Edges, nameRange, PathRange } from './path-range.ts'
import { blamed, isDirectory, nodeOf, type TreeStorage } from './reading/index.ts'

/** An entry that a walk has come to. */
export interface Walked {
  /** The path of the directory that holds it, as text. */
  readonly directory: readonly string[]
  readonly name: RawName
  readonly target: EntryTarget
}

/** Where a walk starts. */
export interface WalkStart {
  readonly storage: TreeStorage
  readonly root: NodeRef
  /** The path of the root, as text. */
  readonly directory: readonly string[]
}

interface Frame {
  readonly cursor: TreeCursor
  readonly directory: readonly string[]
  readonly edges: Edges
  /** In a walk from last to first: the directory itself, given after all that is in it. */
  readonly after: Walked | undefined
}

/** The entries in a range, whatever its `limit`; steps are small, and nothing is held open between them. */
export function* walkEntries(start: WalkStart, range: Range): Generator<Walked, void, undefined> {
  const walk = range.recursive === true ? walkDown(start, range) : walkOne(start, range)
  try {
    yield* walk
  } catch (error) {
    throw blamed(start.storage, error)
  }
}

/** At most so many items; takes none beyond. */
export function* firstOf<T>(items: Iterable<T>, limit: number | undefined): Generator<T, void, undefined> {
  assert(limit === undefined || limit >= 0, 'a limit is not negative')
  let left = limit ?? Number.POSITIVE_INFINITY
  if (left <= 0) return
  for (const item of items) {
    yield item
    if (--left <= 0) return
  }
}

function* walkOne({ storage, root, directory }: WalkStart, range: Range): Generator<Walked, void, undefined> {
  const { reverse } = range
  const cursor = new TreeCursor(storage.nodes, root, { ...nameRange(range), reverse })
  while (cursor.next()) yield { directory, name: cursor.name(), target: cursor.entry.target() }
}

function* walkDown(start: WalkStart, range: Range): Generator<Walked, void, undefined> {
  const { storage } = start
  const { reverse } = range
  const bounds = new PathRange(range)
  const enter = (root: NodeRef, at: Omit<Frame, 'cursor'>, depth: number): Frame => ({
    cursor: new TreeCursor(storage.nodes, root, { ...bounds.namesAt(depth, at.edges), reverse }),
    ...at,
  })
  const first = { directory: start.directory, edges: bounds.edges, after: undefined }
  const stack = [enter(start.root, first, 0)]
  for (let frame = stack.at(-1); frame !== undefined; frame = stack.at(-1)) {
    const { cursor, directory } = frame
    if (!cursor.next()) {
      stack.pop()
      if (frame.after !== undefined) yield frame.after
      continue
    }
    const walked = { directory, name: cursor.name(), target: cursor.entry.target() }
    const verdict = bounds.judge(stack.length - 1, walked.name, frame.edges)
    const isOpened = verdict.isOpened && isDirectory(walked.target)
    if (verdict.isIn && (!isOpened || reverse !== true)) yield walked
    if (!isOpened) continue
    const after = verdict.isIn && reverse === true ? walked : undefined
    const below = { directory: [...directory, rawNameText(walked.name)], edges: verdict.edges, after }
    stack.push(enter(nodeOf(walked.target), below, stack.length))
  }
}
