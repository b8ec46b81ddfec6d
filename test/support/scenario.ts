import { systemClock } from '@varve/pack/base'
import type { Commit, GcOptions, GcResult, GcStats, Hash, Store, Tree, WriterOptions } from '@varve/store'
import { VarveError } from '@varve/store'
import { expect } from 'vitest'
import { type FileList, open, volume } from './file-letters.ts'
import { expectLowerAlone } from './lower-alone.ts'
import { describe, readTree, type WholeTree } from './read-whole.ts'
import type { TempStore } from './temp-store.ts'

/** What a step of the history changes: path → content, or `undefined` for a path that goes. */
export type Step = Readonly<Record<string, string | undefined>>

/** The commits that the scenarios are made of, as changes of their first parent. */
export const steps = {
  c1: { 'a/b': 'Novembre', 'a/c': 'Juin' },
  c2: { 'a/d': 'Mars' },
  c3: { 'a/f': 'Fevrier' },
  c4: { 'a/e': 'Mars' },
  c5: { 'e/a': 'Avril' },
  cDel: { 'a/c': undefined },
} as const satisfies Record<string, Step>

/** A commit of a scenario with what must be in its tree. */
export interface Made {
  readonly commit: Commit
  readonly content: ReadonlyMap<string, string>
  readonly parents: readonly Made[]
  /** The opening that made it, to which its handle belongs. */
  readonly store: Store
}

/**
 * Makes commits as the scenarios tell them (off any branch, as a repository of Irmin's does with keys), and
 * says of each whether it is still there. Collections keep nothing for its age alone: `grace` is 0.
 *
 * Each step asserts of which files the store consists after it: of exactly those that the step is given, or,
 * for a commit, of those from before. While a sweep is under way its files come one by one: then all are
 * there that the start found or made, and none but those of the end of the sweep.
 */
export class Scenario {
  readonly temp: TempStore
  #least: FileList
  #most: FileList

  constructor(temp: TempStore) {
    this.temp = temp
    this.#least = temp.isLayered ? [open('A'), volume(1, 1)] : [open('A')]
    this.#most = this.#least
  }

  get store(): Store {
    return this.temp.store
  }

  /** A commit on top of `parents`: the tree of the first one with the step's changes. */
  async commit(step: Step, parents: readonly Made[] = [], info: { author?: string } = {}): Promise<Made> {
    const content = new Map(parents[0]?.content)
    const edit = (await this.#treeOf(parents[0])).edit()
    for (const [path, text] of Object.entries(step)) {
      if (text === undefined) {
        edit.delete(path)
        content.delete(path)
      } else {
        edit.set(path, text)
        content.set(path, text)
      }
    }
    const commit = await this.store.commit({
      tree: await edit.tree(),
      parents: parents.map((parent) => parent.commit.hash),
      message: Object.keys(step).join(' '),
      date: 0,
      ...info,
    })
    await this.expectFilesStay()
    return { commit, content, parents, store: this.store }
  }

  /** Looked up anew, as the store may have been opened again since. */
  async #treeOf(made: Made | undefined): Promise<Tree> {
    if (made === undefined) return this.store.emptyTree()
    const found = await this.store.getCommit(made.commit.hash)
    expect(found).toBeDefined()
    return (found as Commit).tree()
  }

  /** From here on the store consists of exactly these files. */
  async expectFiles(files: FileList): Promise<void> {
    await this.temp.files.expect(...files)
    this.#least = files
    this.#most = files
  }

  /** Nothing has changed the files, but for those that a sweep is writing. */
  async expectFilesStay(): Promise<void> {
    await this.temp.files.expectBetween(this.#least, this.#most)
  }

  /**
   * Starts a collection and switches to what it kept. The retired files go, unless `unlink` is false.
   * @param files after it
   */
  async gc(target: Made | undefined, files: FileList, o: GcOptions = {}): Promise<GcStats> {
    await this.start(target, sweptFiles(this.#most, files), o)
    const stats = finalised(await this.finalise(files))
    await expectLowerAlone(this.temp.disk, this.temp.folder)
    return stats
  }

  /** @param files at the end of the sweep */
  async start(target: Made | undefined, files: FileList, o: GcOptions = {}): Promise<void> {
    expect(await this.store.startGc(target?.commit.hash, { grace: 0, ...o })).toBe(true)
    expect(this.store.gc.isFinished()).toBe(false)
    await this.#expectGrowing(files)
  }

  /** Waits for the end of the sweep, which comes by itself. */
  async swept(files: FileList = this.#most): Promise<void> {
    while (this.store.gc.status.state === 'running') await systemClock.turn()
    await this.expectFiles(files)
  }

  /** @param files after it */
  async finalise(files: FileList): Promise<GcResult> {
    const result = await this.store.finaliseGc({ wait: true })
    await this.expectFiles(files)
    expect(this.store.gc.isFinished()).toBe(true)
    expect(await this.store.finaliseGc({ wait: true })).toEqual({ state: 'idle' })
    return result
  }

  /** Seals the open chunk, also during a sweep. */
  async split(files: FileList): Promise<void> {
    await this.store.advanced.split()
    if (this.store.gc.isFinished()) await this.expectFiles(files)
    else await this.#expectGrowing(files)
  }

  /** The next archive begins a volume of its own. */
  async addVolume(files: FileList): Promise<void> {
    await this.store.advanced.addVolume()
    await this.expectFiles(files)
  }

  async close(files: FileList): Promise<void> {
    const isCut = !this.store.gc.isFinished()
    await this.temp.close()
    await this.expectFiles(files)
    if (isCut) await this.temp.files.forgetGone()
  }

  async open(files: FileList, o: WriterOptions = {}): Promise<void> {
    await this.temp.open(o)
    await this.expectFiles(files)
  }

  async reopen(files: FileList, o: WriterOptions = {}): Promise<void> {
    await this.close(files)
    await this.open(files, o)
  }

  /** Opens it again with a lower layer, which it has not had. */
  async attach(files: FileList): Promise<void> {
    await this.close(files)
    await this.open([...files, volume(1, 1)], { lower: this.temp.lower })
  }

  async cancel(files: FileList): Promise<void> {
    expect(await this.store.gc.cancel()).toBe(true)
    await this.expectFiles(files)
    await this.temp.files.forgetGone()
  }

  /** Asserts that each can be found by its hash and holds all that it should. */
  async expectReadable(...commits: readonly Made[]): Promise<void> {
    for (const { commit, content } of commits) {
      const found = await this.store.getCommit(commit.hash)
      expect(found?.hash).toBe(commit.hash)
      expect(blobsOf(await readTree((found as Commit).tree()))).toEqual(
        new Map([...content].map(([path, text]) => [path, describe(text)])),
      )
      expect(await this.store.getTree(commit.treeHash)).toBeDefined()
    }
  }

  /**
   * Asserts that none of them is there: not by its hash, not by the start of its hash, not its tree (which no
   * commit that is left shares), and that reading through a handle from before is refused rather than
   * answered with "absent".
   */
  async expectGone(...commits: readonly Made[]): Promise<void> {
    for (const { commit, content, store } of commits) {
      expect(await this.store.getCommit(commit.hash)).toBeUndefined()
      expect(await this.store.resolve(commit.hash.slice(0, 20))).toBeUndefined()
      expect(await this.store.getTree(commit.treeHash)).toBeUndefined()
      const code = store === this.store ? 'COLLECTED' : 'STORE_CLOSED'
      for (const path of content.keys()) {
        await expectCode(commit.tree().get(path), code)
        expect(codeOf(() => commit.tree().getSync(path))).toBe(code)
      }
    }
  }

  /**
   * Asserts that each rests in the lower layer and nowhere else, and can be read as if it did not: by its
   * hash, by the start of its hash, through a handle from before, with its tree and all its history.
   */
  async expectArchived(...commits: readonly Made[]): Promise<void> {
    for (const made of commits) {
      const { commit, content, store } = made
      expect(await this.store.locate(commit.hash)).toMatchObject({ state: 'archived' })
      expect((await this.store.resolve(commit.hash.slice(0, 20)))?.hash).toBe(commit.hash)
      await this.expectReadable(made)
      await this.expectHistory(made)
      if (store !== this.store) continue
      for (const [path, text] of content) {
        expect(Buffer.from((await commit.tree().get(path)) ?? []).toString()).toBe(text)
        expect(Buffer.from(commit.tree().getSync(path) ?? []).toString()).toBe(text)
      }
    }
  }

  /** Asserts that each is in the upper layer, whole, and that its history goes on to its end. */
  async expectAbove(...commits: readonly Made[]): Promise<void> {
    for (const made of commits) {
      expect(await this.store.locate(made.commit.hash)).toMatchObject({ state: 'present' })
      expect(await this.store.locate(made.commit.treeHash)).toMatchObject({ state: 'present' })
      await this.expectReadable(made)
      await this.expectHistory(made)
    }
  }

  /** Asserts that `log` from it meets all its ancestors, whichever layer they lie in. */
  async expectHistory(made: Made): Promise<void> {
    const wanted = new Set<string>()
    const work = [made]
    for (let next = work.pop(); next !== undefined; next = work.pop()) {
      wanted.add(next.commit.hash)
      work.push(...next.parents)
    }
    const log = await this.store.log(made.commit.hash).toArray()
    expect(log.map(({ hash }) => hash).sort()).toEqual([...wanted].sort())
  }

  /** Which of these texts the store still holds as blobs. */
  async held(...texts: readonly string[]): Promise<string[]> {
    const found: string[] = []
    for (const text of texts) {
      if ((await this.store.getBlob(hashOf(text))) !== undefined) found.push(text)
    }
    return found
  }

  async #expectGrowing(files: FileList): Promise<void> {
    const chunks = files.flat().filter((name) => /^suffix-.*\.pack$/.test(name))
    this.#least = [...this.#least, chunks]
    this.#most = files
    await this.expectFilesStay()
  }
}

/** Between two sets lies what both hold, with an index for every chunk but the last. */
function sweptFiles(before: FileList, after: FileList): FileList {
  const files = new Set([...before.flat(), ...after.flat()])
  const chunks = [...files].filter((name) => /^suffix-.*\.pack$/.test(name)).sort()
  for (const chunk of chunks.slice(0, -1)) files.add(chunk.replace('.pack', '.idx'))
  return [[...files]]
}

/** The address of a text. */
export function hashOf(text: string): Hash<'blob'> {
  return describe(text).split(' ')[2] as Hash<'blob'>
}

export function finalised(result: GcResult): GcStats {
  expect(result.state).toBe('finalised')
  return (result as { stats: GcStats }).stats
}

export async function expectCode(promise: Promise<unknown>, code: VarveError['code']): Promise<void> {
  const outcome = await promise.then(
    (value) => ({ value }),
    (error: unknown) => ({ error }),
  )
  expect(outcome).toHaveProperty('error')
  const { error } = outcome as { error: unknown }
  if (!VarveError.is(error)) throw error
  expect(error.code, error.message).toBe(code)
}

function codeOf(read: () => unknown): string | undefined {
  try {
    read()
    return undefined
  } catch (error) {
    if (VarveError.is(error)) return error.code
    throw error
  }
}

function blobsOf(tree: WholeTree): Map<string, string> {
  return new Map([...tree].filter(([, what]) => !what.startsWith('tree ')))
}
