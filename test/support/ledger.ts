import type { Commit, GcOptions, Hash, Store } from '@varve/store'
import { expect } from 'vitest'
import { describe, sha256 } from './read-whole.ts'

/** What a commit changes: path → content, or `undefined` for a path that goes. */
export type Changes = Readonly<Record<string, string | Uint8Array | undefined>>

interface Issued {
  readonly branch: string
  readonly index: number
  readonly issuedAt: number
  /** Path → `describe(content)`, blobs only. */
  readonly content: ReadonlyMap<string, string>
  ackedAt?: number
  hash?: Hash<'commit'>
}

interface PutBlob {
  readonly hash: Hash<'blob'>
  readonly putAt: number
  durableAt?: number
}

interface TagMade {
  readonly issued: Issued
  readonly askedAt: number
  ackedAt?: number
}

interface Collected {
  readonly target: Issued | undefined
  readonly startedAt: number
  finishedAt?: number
}

/**
 * What a test has asked a store for, and what it was told is done. Every event gets a number, so that a
 * picture of the disk taken in between is judged by what had been acknowledged then, and by nothing later.
 */
export class Ledger {
  readonly #branches = new Map<string, Issued[]>()
  readonly #tags = new Map<string, TagMade>()
  readonly #blobs: PutBlob[] = []
  readonly #collections: Collected[] = []
  /** Collections archive: every commit can be found for ever. */
  readonly #keepsAll: boolean
  #now = 0

  constructor(o: { readonly keepsAll?: boolean } = {}) {
    this.#keepsAll = o.keepsAll === true
  }

  /** The number of the last event. */
  get now(): number {
    return this.#now
  }

  /** The same, to go on by itself. */
  fork(): Ledger {
    const copy = new Ledger({ keepsAll: this.#keepsAll })
    const issuedOf = new Map<Issued, Issued>()
    for (const [branch, issued] of this.#branches) {
      const copies = issued.map((one) => ({ ...one }))
      for (const [i, one] of issued.entries()) issuedOf.set(one, copies[i] as Issued)
      copy.#branches.set(branch, copies)
    }
    for (const [name, tag] of this.#tags) {
      copy.#tags.set(name, { ...tag, issued: issuedOf.get(tag.issued) as Issued })
    }
    copy.#blobs.push(...this.#blobs.map((blob) => ({ ...blob })))
    for (const { target, ...rest } of this.#collections) {
      copy.#collections.push({ ...rest, target: target === undefined ? undefined : issuedOf.get(target) })
    }
    copy.#now = this.#now
    return copy
  }

  /** Commits on a branch; calls for one branch are to be made in turn. Rejects with what the store says. */
  async commit(store: Store, branch: string, changes: Changes): Promise<Commit> {
    const issued = this.#issue(branch, changes)
    const commit = await store.branch(branch).commit(
      (edit) => {
        for (const [path, content] of Object.entries(changes)) {
          if (content === undefined) edit.delete(path)
          else edit.set(path, content, { replace: true })
        }
      },
      { message: `${branch}#${issued.index}`, allowEmpty: true },
    )
    issued.hash = commit.hash
    issued.ackedAt = ++this.#now
    return commit
  }

  async tag(store: Store, name: string, branch: string): Promise<void> {
    const issued = this.#branches.get(branch)?.at(-1) as Issued
    const tag: TagMade = { issued, askedAt: ++this.#now }
    this.#tags.set(name, tag)
    await store.tag(name).create(issued.hash as Hash<'commit'>)
    tag.ackedAt = ++this.#now
  }

  /** Durable only after `flush`. */
  async putBlob(store: Store, content: string | Uint8Array): Promise<void> {
    const blob: PutBlob = { hash: sha256(content) as Hash<'blob'>, putAt: ++this.#now }
    expect(await store.putBlob(content)).toBe(blob.hash)
    this.#blobs.push(blob)
  }

  async flush(store: Store): Promise<void> {
    const put = this.#blobs.filter(({ durableAt }) => durableAt === undefined)
    await store.flush()
    ++this.#now
    for (const blob of put) blob.durableAt = this.#now
  }

  /**
   * Collects with the commit of a branch as the target, or without one. `meanwhile` runs while the collection
   * does.
   */
  async collect(
    store: Store,
    target: { readonly branch: string; readonly index: number } | undefined,
    o: GcOptions & { readonly meanwhile?: () => Promise<void> } = {},
  ): Promise<void> {
    const { meanwhile, ...options } = o
    const issued = target === undefined ? undefined : this.#branches.get(target.branch)?.[target.index]
    const collected: Collected = { target: issued, startedAt: ++this.#now }
    this.#collections.push(collected)
    expect(await store.startGc(issued?.hash, { grace: 0, ...options })).toBe(true)
    await meanwhile?.()
    const result = await store.finaliseGc({ wait: true })
    expect(result.state).toBe('finalised')
    collected.finishedAt = ++this.#now
  }

  /**
   * Asserts that the store holds everything that had been acknowledged at the event `at`, nothing that had
   * not been asked for by then, and no wrong byte.
   */
  async verify(store: Store, at: number = this.#now): Promise<void> {
    const view = { store, at, horizon: this.#horizonOf(store, at), seen: new Map<string, string>() }
    for (const [branch, issued] of this.#branches) await this.#verifyBranch(view, branch, issued)
    for await (const branch of store.branches()) expect(this.#branches.has(branch.name)).toBe(true)
    await this.#verifyTags(view)
    await this.#verifyBlobs(view)
  }

  /**
   * After a failure: what the store holds now, acknowledged or not, is what it goes on from; what it does not
   * hold never happened.
   */
  async resume(store: Store): Promise<void> {
    for (const [branch, issued] of this.#branches) {
      const head = await store.branch(branch).head()
      const reached = head === undefined ? -1 : indexOf(head)
      for (const gone of issued.splice(reached + 1)) expect(gone.ackedAt).toBeUndefined()
      const last = issued[reached]
      if (last === undefined || head === undefined) continue
      last.hash = head.hash
      last.ackedAt ??= ++this.#now
    }
    for (const blob of this.#blobs)
      if (blob.durableAt === undefined) this.#blobs.splice(this.#blobs.indexOf(blob), 1)
  }

  #issue(branch: string, changes: Changes): Issued {
    const before = this.#branches.get(branch) ?? []
    this.#branches.set(branch, before)
    const content = new Map(before.at(-1)?.content)
    for (const [path, what] of Object.entries(changes)) {
      if (what === undefined) content.delete(path)
      else content.set(path, describe(what))
    }
    const issued: Issued = { branch, index: before.length, issuedAt: ++this.#now, content }
    before.push(issued)
    return issued
  }

  /** The last target: that of the last collection that had ended, or of one that had begun after it. */
  #horizonOf(store: Store, at: number): Issued | undefined {
    const latest = store.gc.latestTarget()
    const begun = this.#collections.filter(({ startedAt, target }) => startedAt <= at && target !== undefined)
    const ended = begun.findLastIndex(({ finishedAt }) => finishedAt !== undefined && finishedAt <= at)
    const possible = begun.slice(Math.max(0, ended)).map(({ target }) => target)
    if (ended < 0) possible.push(undefined)
    expect(possible.map((issued) => issued?.hash)).toContain(latest)
    return possible.find((issued) => issued?.hash === latest)
  }

  async #verifyBranch(view: View, branch: string, issued: readonly Issued[]): Promise<void> {
    const { store, at, horizon } = view
    const head = await store.branch(branch).head()
    const asked = issued.filter(({ issuedAt }) => issuedAt <= at).length
    const acknowledged = issued.filter(({ ackedAt }) => ackedAt !== undefined && ackedAt <= at).length
    const reached = head === undefined ? 0 : indexOf(head) + 1
    expect(reached, `${branch}: what was acknowledged is there`).toBeGreaterThanOrEqual(acknowledged)
    expect(reached, `${branch}: what is there was asked for`).toBeLessThanOrEqual(asked)
    if (head !== undefined) await expectContent(view, head, issued[reached - 1] as Issued)
    for (const one of issued.slice(0, reached)) {
      const isHead = one.index === reached - 1
      if (one.hash === undefined || !(isHead || this.#keepsAll || isKept(one, horizon))) continue
      const commit = await store.getCommit(one.hash)
      expect(commit, `${branch}#${one.index} is there`).toBeDefined()
      await expectContent(view, commit as Commit, one)
    }
  }

  async #verifyTags(view: View): Promise<void> {
    for (const [name, { issued, askedAt, ackedAt }] of this.#tags) {
      const target = await view.store.tag(name).target()
      if (target !== undefined) {
        expect(askedAt, `tag ${name} was asked for`).toBeLessThanOrEqual(view.at)
        await expectContent(view, target, issued)
      } else {
        const isAcknowledged = ackedAt !== undefined && ackedAt <= view.at
        expect(isAcknowledged, `tag ${name} is lost`).toBe(false)
      }
    }
  }

  async #verifyBlobs({ store, at }: View): Promise<void> {
    for (const { hash, putAt, durableAt } of this.#blobs) {
      const content = await store.getBlob(hash)
      if (content !== undefined) {
        expect(sha256(content)).toBe(hash)
        continue
      }
      const isDurable = durableAt !== undefined && durableAt <= at
      const mayBeGone = this.#collections.some(({ startedAt }) => startedAt > putAt && startedAt <= at)
      expect(isDurable && (this.#keepsAll || !mayBeGone), 'a durable blob is there').toBe(false)
    }
  }
}

/** A store as of an event. */
interface View {
  readonly store: Store
  readonly at: number
  readonly horizon: Issued | undefined
  /** Blobs that have been read: hash → `describe(content)`. */
  readonly seen: Map<string, string>
}

/** Whether a collection with this target keeps a commit for its place in the log. */
function isKept(issued: Issued, horizon: Issued | undefined): boolean {
  if (horizon === undefined) return true
  if (issued.branch === horizon.branch) return issued.index >= horizon.index
  return horizon.ackedAt !== undefined && issued.issuedAt > horizon.ackedAt
}

async function expectContent({ seen }: View, commit: Commit, issued: Issued): Promise<void> {
  expect(commit.message).toBe(`${issued.branch}#${issued.index}`)
  const tree = commit.tree()
  const found: Record<string, string | undefined> = {}
  for await (const { kind, path, hash } of tree.entries('', { recursive: true })) {
    if (kind === 'tree') continue
    if (!seen.has(hash)) seen.set(hash, describe((await tree.get(path)) ?? ''))
    found[path.join('/')] = seen.get(hash)
  }
  expect(found).toEqual(Object.fromEntries(issued.content))
}

function indexOf(commit: Commit): number {
  return Number(commit.message.slice(commit.message.indexOf('#') + 1))
}
