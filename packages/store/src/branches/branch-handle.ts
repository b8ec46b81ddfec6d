/**
 * A branch as its callers hold it: a name, read at its acknowledged head at the time of each call. Calls of
 * `commit` queue by name; whatever else moves the branch meanwhile makes the function run again on the new
 * head.
 */
import {
  checkOptions,
  optionRule,
  orAborted,
  type RulesFor,
  throwIfAborted,
  VarveError,
} from '@varve/pack/errors'
import {
  type Abortable,
  type Branch,
  type Bytes,
  type Commit,
  type CommitLike,
  type Cursor,
  commitInfoRules,
  type Entry,
  type Path,
  type Range,
  type Tree,
} from '../api/index.ts'
import { emptyTree } from '../directory/index.ts'
import { type RefTarget, refKey } from '../refs/index.ts'
import type { BranchRooms } from './branch-rooms.ts'
import { type CheckedInfo, checkedInfo } from './checked-commit.ts'
import type { CommitQueues } from './commit-queues.ts'
import { appendCommit, storeTree } from './commit-writer.ts'
import { commitHash, findCommit } from './find-commit.ts'
import { appendRef, type RefMove, settleRef } from './ref-writer.ts'
import { BranchView, CommitHandle } from './views/index.ts'

/**
 * How often a commit is tried again when something else moved its branch, unless the caller says otherwise.
 */
const RETRIES_DEFAULT = 10

type BranchCommitInfo = NonNullable<Parameters<Branch['commit']>[1]>

const commitRules: RulesFor<BranchCommitInfo> = { ...commitInfoRules, retries: optionRule.limit }

type CommitFunction = Parameters<Branch['commit']>[0]

interface AttemptOptions extends Abortable {
  readonly info: CheckedInfo
  readonly allowEmpty?: boolean | undefined
}

/** How one try ended. */
type Attempt =
  | { readonly state: 'unchanged' | 'moved' }
  | { readonly state: 'committed'; readonly commit: Commit; readonly move: RefMove }

export class BranchHandle implements Branch {
  readonly name: string
  readonly #key: string
  readonly #rooms: BranchRooms
  readonly #queues: CommitQueues
  readonly #view: BranchView

  constructor(rooms: BranchRooms, queues: CommitQueues, name: string) {
    this.#key = refKey('heads', name)
    this.name = name
    this.#rooms = rooms
    this.#queues = queues
    this.#view = new BranchView(rooms, name)
  }

  async commit(fn: CommitFunction, o: BranchCommitInfo = {}): Promise<Commit> {
    checkOptions(o, commitRules)
    return this.#queues.run(this.#key, o.signal, () => this.#commit(fn, o))
  }

  head(): Promise<Commit | undefined> {
    return this.#view.head()
  }

  headSync(): Commit | undefined {
    return this.#view.headSync()
  }

  async set(commit: CommitLike): Promise<void> {
    // Whatever the branch was: also where nobody can tell any more.
    const { queue, durability } = this.#rooms
    while (queue.isBlocked) await queue.unblocked()
    await settleRef(this.#rooms, appendRef(this.#rooms, this.#key, this.#targetFor(commit)), durability)
  }

  async compareAndSet(expected: CommitLike | undefined, next: CommitLike | undefined): Promise<boolean> {
    const expectedHash = expected === undefined ? undefined : commitHash(expected)
    if (next !== undefined) commitHash(next)
    let isMoved = false
    await this.#move((current) => {
      if (current?.hash !== expectedHash) return current
      isMoved = true
      return next === undefined ? undefined : this.#targetFor(next)
    })
    return isMoved
  }

  async delete(): Promise<boolean> {
    let wasThere = false
    await this.#move((current) => {
      wasThere = current !== undefined
      return undefined
    })
    return wasThere
  }

  get(path: Path, o?: Abortable): Promise<Bytes | undefined> {
    return this.#view.get(path, o)
  }

  getSync(path: Path): Bytes | undefined {
    return this.#view.getSync(path)
  }

  getMany(paths: readonly Path[], o?: Abortable): Promise<(Bytes | undefined)[]> {
    return this.#view.getMany(paths, o)
  }

  has(path: Path, o?: Abortable): Promise<boolean> {
    return this.#view.has(path, o)
  }

  hasSync(path: Path): boolean {
    return this.#view.hasSync(path)
  }

  stat(path: Path, o?: Abortable): Promise<Entry | undefined> {
    return this.#view.stat(path, o)
  }

  statSync(path: Path): Entry | undefined {
    return this.#view.statSync(path)
  }

  getTree(path: Path, o?: Abortable): Promise<Tree | undefined> {
    return this.#view.getTree(path, o)
  }

  getTreeSync(path: Path): Tree | undefined {
    return this.#view.getTreeSync(path)
  }

  entries(path?: Path, o?: Range): Cursor<Entry> {
    return this.#view.entries(path, o)
  }

  entriesSync(path?: Path, o?: Range): IterableIterator<Entry> {
    return this.#view.entriesSync(path, o)
  }

  values(path?: Path, o?: Range): Cursor<readonly [name: string, value: Bytes]> {
    return this.#view.values(path, o)
  }

  count(path?: Path): Promise<number> {
    return this.#view.count(path)
  }

  async #commit(fn: CommitFunction, o: BranchCommitInfo): Promise<Commit> {
    const retries = o.retries ?? RETRIES_DEFAULT
    const info = checkedInfo(o)
    for (let attempt = 0; attempt <= retries; attempt++) {
      throwIfAborted(o.signal)
      this.#rooms.queue.assertOpen()
      const base = this.#rooms.refs.newest(this.#key)
      const { signal, allowEmpty } = o
      const outcome = await this.#attempt(fn, { info, signal, allowEmpty }, base)
      if (outcome.state === 'moved') continue
      const durability = o.durability ?? this.#rooms.durability
      if (outcome.state === 'committed') {
        await settleRef(this.#rooms, outcome.move, durability)
        return outcome.commit
      }
      // A head that only the queue has seen so far is given to nobody before it is as durable as asked.
      if (this.#rooms.refs.acknowledged(this.#key) !== base) await this.#rooms.queue.settle(durability)
      return this.#handleOf(base as RefTarget)
    }
    throw new VarveError('CONFLICT', { ref: this.name })
  }

  async #attempt(fn: CommitFunction, o: AttemptOptions, base: RefTarget | undefined): Promise<Attempt> {
    const stored = base === undefined ? undefined : this.#rooms.objects.commitAt(base)
    const { storage } = this.#rooms
    const tree = stored === undefined ? emptyTree(storage) : new CommitHandle(stored, storage).tree()
    const edit = tree.edit()
    const source =
      (await orAborted(
        this.#queues.outcomeOf(() => fn(edit)),
        o.signal,
      )) ?? edit
    const finish = (root: { readonly hash: string; readonly offset: number }): Attempt => {
      if (this.#rooms.refs.newest(this.#key)?.hash !== base?.hash) return { state: 'moved' }
      if (stored?.tree.hash === root.hash && o.allowEmpty !== true) return { state: 'unchanged' }
      const parents = base === undefined ? [] : [base.hash]
      const made = appendCommit(this.#rooms, { tree: root, parents, info: o.info, isBare: false })
      const move = appendRef(this.#rooms, this.#key, this.#target(made))
      return { state: 'committed', commit: new CommitHandle(made, storage), move }
    }
    return storeTree(this.#rooms, source, { signal: o.signal, finish })
  }

  /** Moves the branch to what `decide` makes of its newest target, in one section with the decision. */
  async #move(decide: (current: RefTarget | undefined) => RefTarget | undefined): Promise<void> {
    const { queue, refs, durability } = this.#rooms
    while (queue.isBlocked) await queue.unblocked()
    const current = refs.newest(this.#key)
    const next = decide(current)
    if (next === current) return
    await settleRef(this.#rooms, appendRef(this.#rooms, this.#key, next), durability)
  }

  #targetFor(commit: CommitLike): RefTarget {
    return this.#target(findCommit(this.#rooms, commit))
  }

  #target(place: { readonly hash: string; readonly offset: number }): RefTarget {
    return { hash: place.hash, offset: place.offset, at: this.#rooms.now(), annotation: undefined }
  }

  #handleOf(target: RefTarget): Commit {
    return new CommitHandle(this.#rooms.objects.commitAt(target), this.#rooms.storage)
  }
}
