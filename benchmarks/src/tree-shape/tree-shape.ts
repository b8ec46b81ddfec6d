import {
  type EntryTarget,
  EntryView,
  entryMode,
  lookupPath,
  type NodeRef,
  sha256,
  type TreeShape,
  TreeWriter,
} from '@varve/pack/objects'
import type { Benchmark, Figure } from '../benchmark.ts'
import { threadSeconds } from '../thread-clock.ts'
import type { KeyTable } from '../workloads/key-table.ts'
import { workloadSizes } from '../workloads/workload-size.ts'
import {
  growth,
  growthKeys,
  largeDirectory,
  largeKeys,
  largeUpdates,
  overwrites,
  reads,
  type Write,
} from '../workloads/workloads.ts'
import { DirectoryEdit } from './directory-edit.ts'
import { gitHistory } from './git-history.ts'
import { ObjectMemory } from './object-memory.ts'

const size = workloadSizes.full
const candidates: readonly TreeShape[] = [8, 16, 32, 62].flatMap((leafMax) =>
  [2, 3, 4, 5].map((bits) => ({ leafMax, bits })),
)

/** The Git repository whose trees are replayed; without one, that of the working directory. */
const repository = process.env['VARVE_GIT_REPOSITORY'] ?? process.cwd()

/**
 * Trees alone, in memory: blobs, nodes, hashes, dedupe, framing; no files, no commits. In processor time of
 * the thread. W1, W2, W3, W5 are the reference workloads; `git` replays the directories of a real history.
 */
export const treeShapeBenchmarks: readonly Benchmark[] = candidates.flatMap((shape) => {
  const name = `${shape.leafMax}-${shape.bits}`
  const about = `at most ${shape.leafMax} entries a leaf, ${shape.bits} bits a level`
  return [
    { name: `tree-shape/small/${name}`, about: `W1, W2, W3: ${about}`, run: () => smallDirectories(shape) },
    { name: `tree-shape/large/${name}`, about: `W5: ${about}`, run: () => oneLargeDirectory(shape) },
    { name: `tree-shape/git/${name}`, about: `a Git history: ${about}`, run: () => gitDirectories(shape) },
  ]
})

function* smallDirectories(shape: TreeShape): Generator<Figure> {
  const history = new History(shape)
  const { memory } = history
  const keys = growthKeys(size)
  for (const writes of growth(size)) history.commit(writes)
  yield { what: 'W1', value: keys.count / history.seconds, unit: 'keys/s' }
  yield { what: 'W1 nodes', value: memory.nodeCount, unit: '' }
  yield { what: 'W1 bytes', value: memory.bytes / 1e6, unit: 'MB' }
  const grown = memory.bytes
  history.seconds = 0
  let commitCount = 0
  for (const writes of overwrites(keys, size)) {
    history.commit(writes)
    commitCount++
  }
  yield { what: 'W2', value: commitCount / history.seconds, unit: 'commits/s' }
  yield { what: 'W2 bytes', value: (memory.bytes - grown) / 1e6, unit: 'MB' }
  yield {
    what: 'W3 one tree',
    value: readsASecond(memory, history.root as NodeRef, keys),
    unit: 'reads/s',
  }
}

function* oneLargeDirectory(shape: TreeShape): Generator<Figure> {
  const history = new History(shape)
  const { memory } = history
  const keys = largeKeys(size)
  for (const writes of largeDirectory(size)) history.commit(writes)
  yield { what: 'W5 load', value: keys.count / history.seconds, unit: 'keys/s' }
  yield { what: 'W5 load bytes', value: memory.bytes / 1e6, unit: 'MB' }
  const loaded = memory.bytes
  history.seconds = 0
  let updateCount = 0
  for (const writes of largeUpdates(keys, size)) {
    history.commit(writes)
    updateCount++
  }
  yield { what: 'W5 updates', value: updateCount / history.seconds, unit: 'commits/s' }
  yield { what: 'W5 bytes an update', value: (memory.bytes - loaded) / updateCount, unit: 'B' }
}

async function* gitDirectories(shape: TreeShape): AsyncGenerator<Figure> {
  const history = new History(shape)
  let commitCount = 0
  let changeCount = 0
  for await (const { changes } of gitHistory(repository)) {
    history.replay(
      changes.map(({ path, id }) => [path, id === undefined ? undefined : stoodFor(id)] as const),
    )
    commitCount++
    changeCount += changes.length
  }
  yield { what: 'commits', value: commitCount, unit: '' }
  yield { what: 'changes', value: changeCount / history.seconds, unit: '/s' }
  yield { what: 'nodes', value: history.memory.nodeCount, unit: '' }
  yield { what: 'node bytes', value: history.memory.nodeBytes / 1e6, unit: 'MB' }
}

/** A blob that Git has and the memory needs not: a hash and a size made from its id. */
function stoodFor(id: string): EntryTarget {
  const hash = sha256(Buffer.from(id), 0, id.length)
  return {
    mode: entryMode.file,
    size: Number.parseInt(id.slice(0, 4), 16),
    count: 0,
    hash,
    offset: 64,
    draft: undefined,
  }
}

/** Commits one after another; only the work on trees and blobs is timed. */
class History {
  readonly memory = new ObjectMemory()
  readonly #writer: TreeWriter
  root: NodeRef | undefined
  seconds = 0

  constructor(shape: TreeShape) {
    this.#writer = new TreeWriter(this.memory, this.memory, shape)
  }

  commit(writes: readonly Write[]): void {
    const before = threadSeconds()
    const edit = new DirectoryEdit()
    for (const { path, value } of writes) {
      edit.set(path, { mode: entryMode.file, count: 0, draft: undefined, ...this.memory.putBlob(value) })
    }
    this.#write(edit, before)
  }

  replay(changes: readonly (readonly [readonly string[], EntryTarget | undefined])[]): void {
    const before = threadSeconds()
    const edit = new DirectoryEdit()
    for (const [path, target] of changes) edit.set(path, target)
    this.#write(edit, before)
  }

  #write(edit: DirectoryEdit, before: number): void {
    this.root = edit.write(this.memory, this.#writer, this.root)
    this.seconds += threadSeconds() - before
  }
}

function readsASecond(memory: ObjectMemory, root: NodeRef, keys: KeyTable): number {
  const paths = Array.from(reads(keys, size), (index) => keys.path(index))
  const view = new EntryView()
  let best = 0
  for (let round = 0; round < 3; round++) {
    const before = threadSeconds()
    for (const path of paths) {
      if (lookupPath(memory, root, path, view) !== path.length) throw new Error(`${path.join('/')} is there`)
    }
    best = Math.max(best, paths.length / (threadSeconds() - before))
  }
  return best
}
