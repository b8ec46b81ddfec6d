import { systemClock } from '@varve/pack/base'
import {
  type Commit,
  type GcResult,
  type Hash,
  type Store,
  type Tree,
  type TreeEdit,
  VarveError,
} from '@varve/store'
import { expect } from 'vitest'
import type { CollectOp, EditOp, Op } from './model-ops.ts'
import { type BaseTree, type KnownCommit, ModelRegister } from './model-register.ts'
import { ModelStore, type ModelTree } from './model-store.ts'
import { contentOf } from './model-tree.ts'
import { expectPresence, verifyStore } from './model-verify.ts'
import { piecesOf } from './seeded-bytes.ts'
import type { TempStore } from './temp-store.ts'

const minute = 60_000

interface HeldTree {
  readonly tree: Tree
  readonly root: string
  readonly model: ModelTree
  /** Keys that must be there for it to be committed. */
  readonly needs: readonly string[]
}

/** Takes a real store and its model through the same steps and compares them. */
export class ModelDriver {
  readonly #temp: TempStore
  readonly #model = new ModelStore()
  readonly #known = new ModelRegister(this.#model)
  readonly #held: HeldTree[] = []
  #finishing: Promise<GcResult> | undefined

  constructor(temp: TempStore) {
    this.#temp = temp
  }

  get #store(): Store {
    return this.#temp.store
  }

  async run(ops: readonly Op[]): Promise<void> {
    for (const op of ops) await this.#step(op)
    await this.#join()
    if (this.#model.isCollecting) await this.#finish()
    await this.#reopen()
    await this.#verify()
  }

  async #verify(): Promise<void> {
    await this.#join()
    await verifyStore(this.#store, this.#model, this.#known)
  }

  async #step(op: Op): Promise<void> {
    switch (op.kind) {
      case 'put':
        return this.#put(op.content, op.isStream)
      case 'put-tree':
        return this.#putTree(op.base, op.edits)
      case 'commit':
        return this.#commit(op)
      case 'commit-aside':
        return this.#commitAside(op)
      case 'hold-tree':
        return this.#holdTree(op.base, op.edits)
      case 'commit-held':
        return this.#commitHeld(op.held)
      case 'set':
        return this.#set(op.branch, op.commit)
      case 'compare-and-set':
        return this.#compareAndSet(op)
      case 'delete-branch':
        expect(await this.#store.branch(op.branch).delete()).toBe(this.#model.refs.has(`heads/${op.branch}`))
        return this.#model.setRef(`heads/${op.branch}`, undefined)
      case 'tag':
        return this.#tag(op.name, op.commit)
      case 'delete-tag':
        expect(await this.#store.tag(op.name).delete()).toBe(this.#model.refs.has(`tags/${op.name}`))
        return this.#model.setRef(`tags/${op.name}`, undefined)
      case 'start':
      case 'run':
        return this.#collect(op)
      case 'finish':
        return this.#finish()
      case 'finish-meanwhile':
        return this.#finishMeanwhile()
      case 'cancel':
        return this.#cancel()
      case 'split':
        return this.#store.advanced.split()
      case 'reopen':
        return this.#reopen()
      case 'verify':
        return this.#verify()
      case 'wait':
        await this.#store.flush()
        this.#temp.now += op.minutes * minute
        return
      case 'turns':
        for (let turn = 0; turn < op.count; turn++) await systemClock.turn()
        return
    }
  }

  async #put(content: string, isStream: boolean): Promise<void> {
    const { bytes, hash } = contentOf(content)
    const found = await this.#store.putBlob(isStream ? piecesOf(bytes, 70_000) : bytes)
    expect(found).toBe(hash)
    this.#model.append(`b:${content}`)
    this.#model.hold(`b:${content}`, this.#temp.now)
  }

  async #putTree(base: number | null, edits: readonly EditOp[]): Promise<void> {
    const from = await this.#baseOf(base)
    if (from === undefined) return
    const { tree, root, needs } = this.#known.edited(from, edits)
    const hash = await this.#attempt(needs, root, async () => {
      const made = await this.#editOf(from, edits)
      return this.#store.putTree(await made.tree())
    })
    if (hash === undefined) return
    this.#known.expectTree(root, hash, tree)
    this.#model.append(root)
    this.#model.hold(root, this.#temp.now)
  }

  async #commit(op: Extract<Op, { kind: 'commit' }>): Promise<void> {
    const ref = `heads/${op.branch}`
    const head = this.#known.byKey(this.#model.refs.get(ref))
    // A branch that is not there begins with something.
    const edits: readonly EditOp[] =
      head === undefined
        ? [...op.edits, { kind: 'set', path: 'b', content: 'k0', isExecutable: false }]
        : op.edits
    const base =
      head === undefined ? { tree: emptyModel, root: undefined } : { tree: head.tree, root: head.root }
    const { tree, root, needs } = this.#known.edited(base, edits)
    const commit = await this.#attempt(needs, root, () =>
      this.#store.branch(op.branch).commit((edit) => this.#known.applyTo(edit, base.tree, edits), {
        date: 0,
        allowEmpty: op.allowEmpty,
      }),
    )
    if (commit === undefined) return
    if (head !== undefined && root === head.root && !op.allowEmpty) {
      expect(commit.hash).toBe(head.hash)
      return
    }
    expect(commit.parents).toEqual(head === undefined ? [] : [head.hash])
    const { key } = this.#known.learn(commit, tree, root, head === undefined ? [] : [head.key])
    this.#model.append(key)
    this.#model.setRef(ref, key)
  }

  async #commitAside(op: Extract<Op, { kind: 'commit-aside' }>): Promise<void> {
    const from = await this.#baseOf(op.base)
    if (from === undefined) return
    const parents = op.parents.flatMap((number) => this.#known.commitOf(number) ?? [])
    const { tree, root, needs } = this.#known.edited(from, op.edits)
    const commit = await this.#attempt(needs, root, async () => {
      const made = await this.#editOf(from, op.edits)
      return this.#commitTree(await made.tree(), parents)
    })
    if (commit === undefined) return
    this.#learnAside(commit, tree, root, parents)
  }

  /** Parents are named through handles, as their commits may be gone. */
  async #commitTree(tree: Tree, parents: readonly KnownCommit[]): Promise<Commit> {
    const handles: (Commit | Hash<'commit'>)[] = []
    for (const { hash } of parents) handles.push((await this.#store.getCommit(hash)) ?? ({ hash } as Commit))
    return this.#store.commit({ tree, parents: handles, date: 0 })
  }

  async #holdTree(base: number | null, edits: readonly EditOp[]): Promise<void> {
    const from = await this.#baseOf(base)
    if (from === undefined) return
    const { tree: model, root, needs } = this.#known.edited(from, edits)
    const tree = await this.#attempt(needs, undefined, async () => (await this.#editOf(from, edits)).tree())
    if (tree !== undefined) this.#held.push({ tree, root, model, needs })
  }

  async #commitHeld(number: number): Promise<void> {
    const held = this.#held.at(-1 - (number % Math.max(1, this.#held.length)))
    if (held === undefined) return
    // It may have been made anew so far that nothing of its base is left in it: then it stands on nothing.
    const needs = this.#model.presenceOfAll(held.needs) === 'there' ? held.needs : unknownNeeds
    const commit = await this.#attempt(needs, held.root, () => this.#commitTree(held.tree, []))
    if (commit !== undefined) this.#learnAside(commit, held.model, held.root, [])
  }

  async #set(branch: string, number: number): Promise<void> {
    const commit = this.#known.commitOf(number)
    if (commit === undefined) return
    const isMoved = await this.#attempt([commit.key], undefined, async () => {
      await this.#store.branch(branch).set({ hash: commit.hash } as Commit)
      return true
    })
    if (isMoved !== true) return
    this.#model.append(commit.key)
    this.#model.setRef(`heads/${branch}`, commit.key)
  }

  async #compareAndSet(op: Extract<Op, { kind: 'compare-and-set' }>): Promise<void> {
    const ref = `heads/${op.branch}`
    const current = this.#known.byKey(this.#model.refs.get(ref))
    const next = op.next === null ? undefined : this.#known.commitOf(op.next)
    if (op.next !== null && next === undefined) return
    const expected =
      op.expected === 'head'
        ? current
        : op.expected === 'absent'
          ? undefined
          : this.#known.commitOf(op.expected)
    const isRight = expected?.hash === current?.hash
    const needs = isRight && next !== undefined ? [next.key] : []
    const isMoved = await this.#attempt(needs, undefined, () =>
      this.#store.branch(op.branch).compareAndSet(expected?.hash, next && ({ hash: next.hash } as Commit)),
    )
    if (isMoved === undefined) return
    expect(isMoved).toBe(isRight)
    if (!isMoved) return
    if (next !== undefined) this.#model.append(next.key)
    this.#model.setRef(ref, next?.key)
  }

  async #tag(name: string, number: number): Promise<void> {
    const commit = this.#known.commitOf(number)
    if (commit === undefined) return
    const create = async (): Promise<true> => {
      await this.#store.tag(name).create({ hash: commit.hash } as Commit)
      return true
    }
    if (this.#model.refs.has(`tags/${name}`)) {
      await expect(create()).rejects.toMatchObject({ code: 'CONFLICT' })
      return
    }
    if ((await this.#attempt([commit.key], undefined, create)) !== true) return
    this.#model.append(commit.key)
    this.#model.setRef(`tags/${name}`, commit.key)
  }

  async #collect(op: Extract<Op, { kind: 'start' | 'run' }>): Promise<void> {
    await this.#join()
    if (this.#model.isCollecting) {
      expect(await this.#store.startGc()).toBe(false)
      return
    }
    if (!(await this.#start(op))) return
    if (op.kind === 'run') await this.#finish()
  }

  async #start(op: CollectOp): Promise<boolean> {
    const target = op.target === null ? undefined : this.#known.commitOf(op.target)
    const keep = op.keep
      .flatMap((number) => this.#known.commitOf(number) ?? [])
      .filter(({ key }) => this.#model.presence(key) === 'there')
    const isTooOld = target !== undefined && this.#model.isTooOld(target.key)
    const request = {
      keep: keep.map(({ hash }) => hash),
      grace: op.graceMinutes * minute,
    }
    const start = (): Promise<boolean> =>
      this.#store.startGc(target && ({ hash: target.hash } as Commit), request)
    if (isTooOld !== false) {
      const outcome = await start().catch((error: unknown) => codeOf(error))
      if (isTooOld === true) expect(['TARGET_TOO_OLD', 'COLLECTED']).toContain(outcome)
      if (outcome !== true) return false
    } else if ((await this.#attempt(target === undefined ? [] : [target.key], undefined, start)) !== true)
      return false
    if (target !== undefined) this.#model.append(target.key)
    this.#model.startCollection(
      { target: target?.key, keep: keep.map(({ key }) => key), graceMs: request.grace },
      this.#temp.now,
    )
    return true
  }

  async #finish(): Promise<void> {
    await this.#join()
    const result = await this.#store.finaliseGc({ wait: true })
    expect(result.state).toBe(this.#model.isCollecting ? 'finalised' : 'idle')
    this.#model.endCollection(true)
  }

  /** The switch happens somewhere in the steps that follow. */
  async #finishMeanwhile(): Promise<void> {
    await this.#join()
    if (!this.#model.isCollecting) return
    this.#model.beginFinish()
    this.#finishing = this.#store.finaliseGc({ wait: true })
    this.#finishing.catch(() => undefined)
  }

  async #join(): Promise<void> {
    const finishing = this.#finishing
    this.#finishing = undefined
    if (finishing === undefined) return
    const { state } = await finishing
    expect(['finalised', 'cancelled']).toContain(state)
    this.#model.endCollection(state === 'finalised')
  }

  async #cancel(): Promise<void> {
    const isCancelled = await this.#store.gc.cancel()
    if (this.#finishing !== undefined) return this.#join()
    expect(isCancelled).toBe(this.#model.isCollecting)
    this.#model.endCollection(false)
  }

  async #reopen(): Promise<void> {
    const wasFinishing = this.#finishing
    this.#finishing = undefined
    await this.#temp.reopen()
    if (wasFinishing === undefined) this.#model.endCollection(false)
    else {
      const state = await wasFinishing.then(
        (result) => result.state,
        () => 'failed',
      )
      this.#model.endCollection(state === 'finalised' ? true : state === 'cancelled' ? false : undefined)
    }
  }

  /**
   * Does what stands on these keys: it must succeed when all are there, must be refused when one is gone.
   * @param root what a refused write may have left in the log
   */
  async #attempt<T>(
    needs: readonly string[] | typeof unknownNeeds,
    root: string | undefined,
    act: () => Promise<T>,
  ): Promise<T | undefined> {
    const presence = needs === unknownNeeds ? 'either' : this.#model.presenceOfAll(needs)
    try {
      const result = await act()
      expect(presence, 'what stands on something that is gone is refused').not.toBe('gone')
      return result
    } catch (error) {
      if (!VarveError.is(error, 'COLLECTED') || presence === 'there') throw error
      if (root !== undefined) this.#model.appendPerhaps(root)
      return undefined
    }
  }

  /** The tree of a numbered commit as a handle of this opening; `undefined` where nobody can have one. */
  async #baseOf(number: number | null): Promise<Base | undefined> {
    if (number === null) return { tree: emptyModel, root: undefined, handle: this.#store.emptyTree() }
    const commit = this.#known.commitOf(number)
    if (commit === undefined) return { tree: emptyModel, root: undefined, handle: this.#store.emptyTree() }
    const handle = await this.#store.getTree(commit.treeHash)
    expectPresence(this.#model.presence(commit.root), handle, `tree ${commit.treeHash}`)
    return handle === undefined ? undefined : { tree: commit.tree, root: commit.root, handle }
  }

  async #editOf(base: Base, edits: readonly EditOp[]): Promise<TreeEdit> {
    const edit = base.handle.edit()
    this.#known.applyTo(edit, base.tree, edits)
    return edit
  }

  #learnAside(commit: Commit, tree: ModelTree, root: string, parents: readonly KnownCommit[]): void {
    expect(commit.parents).toEqual(parents.map(({ hash }) => hash))
    const { key } = this.#known.learn(
      commit,
      tree,
      root,
      parents.map((parent) => parent.key),
    )
    this.#model.append(key)
    this.#model.hold(key, this.#temp.now)
  }
}

interface Base extends BaseTree {
  readonly handle: Tree
}

const unknownNeeds: unique symbol = Symbol('nobody can know')
const emptyModel: ModelTree = new Map()

function codeOf(error: unknown): string {
  if (VarveError.is(error)) return error.code
  throw error
}
