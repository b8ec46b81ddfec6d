import { entryMode, toRawName } from '@varve/pack/objects'
import { readControl } from '@varve/pack/pack'
import { type Commit, type GcResult, type Hash, type Store, type Tree, VarveError } from '@varve/store'
import { openBulk } from '@varve/store/internal'
import { expect } from 'vitest'
import type { Handle, LayersOp, WriteOp } from './layers-ops.ts'
import { expectLowerAlone } from './lower-alone.ts'
import type { EditOp } from './model-ops.ts'
import type { ModelTree } from './model-store.ts'
import { contentOf, editModel, editStore, type StoredTree } from './model-tree.ts'
import { expectTree } from './model-verify.ts'
import { expectNamedFiles } from './named-files.ts'
import type { TempStore } from './temp-store.ts'

interface Known {
  readonly hash: Hash<'commit'>
  readonly treeHash: Hash<'tree'>
  readonly tree: ModelTree
  readonly parents: readonly Known[]
  /** Of the opening that made it. */
  readonly handle: Commit
  readonly store: Store
}

const nothing: ModelTree = new Map()

/**
 * Takes a store with a lower layer through the steps of a life. There, nothing that was ever written is lost:
 * after each step every commit is there with all of its tree and history, the files in both layers are those
 * that control and manifests name, and each volume is complete by itself.
 */
export class LayersDriver {
  readonly #temp: TempStore
  readonly #commits: Known[] = []
  readonly #heads = new Map<string, Known>()
  readonly #tags: Known[] = []
  /** Contents that were put at some time. */
  readonly #put = new Set<string>()
  /** Something was given up: what it has left in a volume stays there. */
  #mayHoldMore = false

  constructor(temp: TempStore) {
    this.#temp = temp
  }

  get #store(): Store {
    return this.#temp.store
  }

  async run(ops: readonly LayersOp[]): Promise<void> {
    for (const op of ops) {
      await this.#step(op)
      await this.#verify()
      await this.#expectFiles()
    }
    await this.#temp.reopen()
    await this.#verify()
    await this.#temp.close()
    await this.#temp.checkLeftovers()
    await expectLowerAlone(this.#temp.disk, this.#temp.folder, { mayHoldMore: this.#mayHoldMore })
    this.#temp.checkHandles()
  }

  async #step(op: LayersOp): Promise<void> {
    switch (op.kind) {
      case 'collect':
        return this.#collect(op.target, op.during)
      case 'cancel':
        return this.#cancel(op.target)
      case 'add-volume':
        return this.#addVolume()
      case 'split':
        return this.#store.advanced.split()
      case 'reopen':
        await this.#temp.reopen()
        return
      case 'away':
        return this.#away()
      case 'damage':
        return this.#damage(op.commit, op.what)
      default:
        return this.#write(op)
    }
  }

  async #write(op: WriteOp): Promise<void> {
    switch (op.kind) {
      case 'commit':
        return this.#commit(op.branch, op.edits, op.how)
      case 'commit-from':
        return this.#commitFrom(op.base, op.edits, op.how, op.branch)
      case 'put-tree': {
        const base = this.#at(op.base)
        if (base === undefined) return
        const made = await this.#edited(base, op.edits, op.how)
        expect(await this.#store.putTree(made.tree)).toBe(await made.tree.hash())
        return
      }
      case 'set': {
        const commit = this.#at(op.commit)
        if (commit === undefined) return
        await this.#store.branch(op.branch).set(commit.hash)
        this.#heads.set(op.branch, commit)
        return
      }
      case 'tag': {
        const commit = this.#at(op.commit)
        if (commit === undefined) return
        await this.#store.tag(`t${this.#tags.length}`).create(commit.hash)
        this.#tags.push(commit)
        return
      }
      case 'delete-branch':
        expect(await this.#store.branch(op.branch).delete()).toBe(this.#heads.delete(op.branch))
        return
      case 'import':
        return this.#import(op)
    }
  }

  async #commit(branch: string, edits: readonly EditOp[], how: Handle): Promise<void> {
    const head = this.#heads.get(branch)
    const before = head?.tree ?? nothing
    const known = this.#withKnownBlobs(edits)
    const { tree } = editModel(before, known, (number) => this.#at(number)?.tree)
    const handles = await this.#handles(known, how)
    const commit = await this.#store.branch(branch).commit(
      (edit) => {
        editStore(edit, before, known, handles)
      },
      { date: this.#commits.length, allowEmpty: true, message: `commit ${this.#commits.length}` },
    )
    this.#heads.set(branch, this.#learn(commit, tree, head === undefined ? [] : [head]))
  }

  async #commitFrom(
    number: number,
    edits: readonly EditOp[],
    how: Handle,
    branch: string | null,
  ): Promise<void> {
    const base = this.#at(number)
    if (base === undefined) return
    const { tree, model } = await this.#edited(base, edits, how)
    const date = this.#commits.length
    const commit = await this.#store.commit({ tree, parents: [base.hash], date, message: `commit ${date}` })
    const made = this.#learn(commit, model, [base])
    if (branch === null) return
    await this.#store.branch(branch).set(commit)
    this.#heads.set(branch, made)
  }

  async #edited(
    base: Known,
    edits: readonly EditOp[],
    how: Handle,
  ): Promise<{ tree: Tree; model: ModelTree }> {
    const known = this.#withKnownBlobs(edits)
    const { tree: model } = editModel(base.tree, known, (number) => this.#at(number)?.tree)
    const edit = (await this.#treeOf(base, how)).edit()
    editStore(edit, base.tree, known, await this.#handles(known, how))
    const tree = await edit.tree()
    if (how.isHashed) await tree.hash()
    return { tree, model }
  }

  /** A history from elsewhere that goes on from a commit of the store. */
  async #import(op: Extract<WriteOp, { kind: 'import' }>): Promise<void> {
    const base = this.#at(op.base)
    if (base === undefined) return
    const bulk = await openBulk(this.#store)
    const { bytes } = contentOf(op.content)
    const blob = bulk.putBlob(Buffer.from(bytes))
    const root = await bulk.commitTree(base.hash)
    // Sorts behind all that is there.
    const name = 'zz-imported'
    const target = { mode: entryMode.file, count: 0, ...blob }
    const tree = bulk.changeDirectory(root, [{ name: toRawName(name), target }])
    const date = this.#commits.length
    const info = { author: 'importer', date, message: `commit ${date}`, extra: {} }
    const { hash } = bulk.putCommit({ tree, parents: [base.hash], ...info })
    await bulk.finish([{ name: `heads/${op.branch}`, commit: hash }])
    this.#put.add(op.content)
    const commit = (await this.#store.getCommit(hash as Hash<'commit'>)) as Commit
    const model = new Map(base.tree).set(name, { content: op.content, mode: 'file' })
    this.#heads.set(op.branch, this.#learn(commit, model, [base]))
  }

  async #collect(number: number | null, during: readonly WriteOp[]): Promise<void> {
    if (!(await this.#start(number))) return
    for (const op of during) await this.#write(op)
    const result: GcResult = await this.#store.finaliseGc({ wait: true })
    expect(result.state).toBe('finalised')
  }

  async #cancel(number: number | null): Promise<void> {
    if (!(await this.#start(number))) return
    await this.#store.gc.cancel()
    this.#mayHoldMore = true
  }

  /** False: the target is older than the last one. */
  async #start(number: number | null): Promise<boolean> {
    const target = number === null ? undefined : this.#at(number)?.hash
    const latest = this.#store.gc.latestTarget()
    try {
      expect(await this.#store.startGc(target, { grace: 0 })).toBe(true)
      return true
    } catch (error) {
      if (!VarveError.is(error, 'TARGET_TOO_OLD') || latest === undefined || latest === target) throw error
      return false
    }
  }

  async #addVolume(): Promise<void> {
    const isEmpty = this.#store.stats().volumes.at(-1)?.bytes === 0
    if (isEmpty) {
      await expect(this.#store.advanced.addVolume()).rejects.toMatchObject({ code: 'OPTION_MISMATCH' })
    } else await this.#store.advanced.addVolume()
  }

  /** While it is away, what is above can be read, and nothing counts as absent. */
  async #away(): Promise<void> {
    const { disk, lower } = this.#temp
    await disk.rename(lower, `${lower}-away`)
    for (const { hash, tree } of this.#commits) {
      try {
        const found = await this.#store.getCommit(hash)
        expect(found?.hash).toBe(hash)
        await expectTree((found as Commit).tree(), tree)
      } catch (error) {
        if (!VarveError.is(error, 'LOWER_UNAVAILABLE')) throw error
      }
    }
    await expect(this.#store.gc.run()).rejects.toMatchObject({ code: 'LOWER_UNAVAILABLE' })
    await disk.rename(`${lower}-away`, lower)
  }

  /** Of what a collection has kept there is a second copy in a volume. */
  async #damage(number: number, what: number): Promise<void> {
    const commit = this.#at(number)
    if (commit === undefined) return
    const blobs = [...commit.tree.values()].map(({ content }) => contentOf(content).hash)
    const hashes = [commit.hash, commit.treeHash, ...blobs]
    const place = await this.#store.locate(hashes[what % hashes.length] as Hash)
    if (place.state !== 'present' || place.file?.startsWith('gen-') !== true) return
    const handle = await this.#temp.disk.open(`${this.#temp.folder}/${place.file}`, 'write')
    const byte = Buffer.alloc(1)
    // Behind what says how long it is.
    const at = (place.offset ?? 0) + 16 + (what % ((place.size ?? 0) - 16))
    await handle.read(byte, 0, 1, at)
    byte[0] = (byte[0] ?? 0) ^ 0x20
    await handle.write(byte, 0, 1, at)
    await handle.close()
    // What is in memory is as it was.
    await this.#temp.reopen()
  }

  async #verify(): Promise<void> {
    for (const known of this.#commits) {
      const found = await this.#store.getCommit(known.hash)
      expect(found?.hash, 'every commit is there').toBe(known.hash)
      await expectTree((found as Commit).tree(), known.tree)
    }
    for (const content of this.#put) {
      const { hash, bytes } = contentOf(content)
      expect(Buffer.compare((await this.#store.getBlob(hash)) ?? new Uint8Array(), bytes)).toBe(0)
    }
    for (const [branch, head] of this.#heads) {
      expect((await this.#store.branch(branch).head())?.hash).toBe(head.hash)
      await this.#verifyHistory(head)
    }
    for (const [i, tagged] of this.#tags.entries()) {
      expect((await this.#store.tag(`t${i}`).target())?.hash).toBe(tagged.hash)
    }
  }

  /** `log` goes on to the first commits, through all layers. */
  async #verifyHistory(head: Known): Promise<void> {
    const wanted = new Set<string>()
    const work = [head]
    for (let next = work.pop(); next !== undefined; next = work.pop()) {
      wanted.add(next.hash)
      work.push(...next.parents)
    }
    const log = await this.#store.log(head.hash).toArray()
    expect(log.map(({ hash }) => hash).sort()).toEqual([...wanted].sort())
  }

  async #expectFiles(): Promise<void> {
    const { disk, folder } = this.#temp
    await expectNamedFiles(disk, folder)
    await expectLowerAlone(disk, folder, { mayHoldMore: this.#mayHoldMore })
    expect((await readControl(disk, folder)).state.volumes.length).toBe(this.#store.stats().volumes.length)
  }

  #learn(handle: Commit, tree: ModelTree, parents: readonly Known[]): Known {
    const { hash, treeHash } = handle
    const known = { hash, treeHash, tree, parents, handle, store: this.#store }
    this.#commits.push(known)
    for (const { content } of tree.values()) this.#put.add(content)
    return known
  }

  #at(number: number): Known | undefined {
    const count = this.#commits.length
    return count === 0 ? undefined : this.#commits[count - 1 - (number % count)]
  }

  /** By a handle from before, if it is of this opening, or looked up. */
  async #treeOf(known: Known, how: Handle): Promise<Tree> {
    if (how.byHandle && known.store === this.#store) return known.handle.tree()
    return ((await this.#store.getCommit(known.hash)) as Commit).tree()
  }

  async #handles(edits: readonly EditOp[], how: Handle): Promise<(number: number) => StoredTree | undefined> {
    const handles = new Map<Known, Tree>()
    for (const edit of edits) {
      const known = edit.kind === 'graft' ? this.#at(edit.commit) : undefined
      if (known !== undefined && how.byHandle) handles.set(known, await this.#treeOf(known, how))
    }
    return (number) => {
      const known = this.#at(number)
      return known && { model: known.tree, hash: known.treeHash, handle: handles.get(known) }
    }
  }

  /** Content that nobody has put yet cannot be named by its hash. */
  #withKnownBlobs(edits: readonly EditOp[]): EditOp[] {
    return edits.map((edit) =>
      edit.kind === 'set-blob' && !this.#put.has(edit.content)
        ? { kind: 'set', path: edit.path, content: edit.content, isExecutable: false }
        : edit,
    )
  }
}
