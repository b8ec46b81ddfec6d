/**
 * The folder of the projections as it was at another time, or of another store, put back while the store was
 * closed: what is asked for afterwards is right, and what was made anew is told.
 */
import { cp, mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Commit, Store, type StoreEvent } from '@varve/store'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'

let parent: string
let count = 0
beforeAll(async () => {
  parent = await mkdtemp(join(tmpdir(), 'varve-older-'))
})
afterAll(() => rm(parent, { recursive: true, force: true }))

/** What must be true of a store, whatever its projections say. */
interface Truth {
  /** Git id → commit; `undefined`: none any more. */
  readonly git: Map<string, string | undefined>
  readonly branches: Map<string, string>
  readonly tags: Map<string, string>
}

/** A store that is opened for one piece of work at a time, with what must be true of it. */
class Course {
  readonly path: string = join(parent, `store-${count++}`)
  readonly truth: Truth = { git: new Map(), branches: new Map(), tags: new Map() }

  async work(body: (store: Store) => Promise<void>): Promise<void> {
    const store = await Store.open(this.path)
    await body(store)
    await store.close()
  }

  /** A commit that says from which Git commit it came. */
  async commit(store: Store, branch: string, number: number, author = 'one'): Promise<Commit> {
    const id = gitId(number)
    const info = { extra: { 'git:id': id }, author, date: number, durability: 'flush' } as const
    const commit = await store.branch(branch).commit((edit) => void edit.set('number', `${number}`), info)
    this.truth.git.set(id, commit.hash)
    this.truth.branches.set(branch, commit.hash)
    return commit
  }

  /** A store like this one, from which it goes another way. */
  async copy(): Promise<Course> {
    const copy = new Course()
    await cp(this.path, copy.path, { recursive: true })
    for (const part of ['git', 'branches', 'tags'] as const) {
      for (const [key, value] of this.truth[part]) copy.truth[part].set(key, value as string)
    }
    return copy
  }

  /** Opens the store, asks for everything, and gives the reasons for which projections were made anew. */
  async verify(): Promise<string[]> {
    const events: StoreEvent[] = []
    const store = await Store.open(this.path, { onEvent: (event) => void events.push(event) })
    for (const [id, hash] of this.truth.git) {
      expect((await store.resolve(`git:${id}`))?.hash, id).toBe(hash)
      expect((await store.resolve(`git:${id.slice(0, 12)}`))?.hash, id).toBe(hash)
    }
    expect(await store.resolve(`git:${'f'.repeat(40)}`)).toBeUndefined()
    expect(await namesAndHeads(store.branches(), (branch) => branch.head())).toEqual(
      sorted(this.truth.branches),
    )
    expect(await namesAndHeads(store.tags(), (tag) => tag.target())).toEqual(sorted(this.truth.tags))
    await store.close()
    return events.flatMap((event) => (event.type === 'projections-rebuilt' ? [event.reason] : []))
  }
}

/** Different in the first digits, so that a prefix is enough. */
function gitId(number: number): string {
  return number.toString(16).padStart(8, '0').padEnd(40, 'a')
}

async function namesAndHeads<T extends { readonly name: string }>(
  handles: AsyncIterable<T>,
  commitOf: (handle: T) => Promise<Commit | undefined>,
): Promise<(readonly [string, string | undefined])[]> {
  const found: (readonly [string, string | undefined])[] = []
  for await (const handle of handles) found.push([handle.name, (await commitOf(handle))?.hash])
  return found
}

function sorted(refs: Map<string, string>): (readonly [string, string])[] {
  return [...refs].sort(([a], [b]) => (a < b ? -1 : 1))
}

/** Puts the projections of one folder in the place of those of another. */
async function putBack(from: string, to: Course): Promise<void> {
  await rm(join(to.path, 'db'), { recursive: true })
  await cp(from, join(to.path, 'db'), { recursive: true })
}

let course: Course
let older: string
/** Twenty commits on two branches, a tag, and then the copy of `db` that comes back later. */
beforeEach(async () => {
  course = new Course()
  await course.work(async (store) => {
    for (let number = 0; number < 20; number++) {
      const commit = await course.commit(store, number % 2 === 0 ? 'main' : 'other', number)
      if (number !== 7) continue
      await store.tag('v1').create(commit)
      course.truth.tags.set('v1', commit.hash)
    }
  })
  older = join(parent, `db-${count++}`)
  await cp(join(course.path, 'db'), older, { recursive: true })
})

describe('projections of an earlier time', () => {
  test('are brought up to the log, and nothing has to be made anew', async () => {
    await course.work(async (store) => {
      for (let number = 20; number < 40; number++) await course.commit(store, 'main', number)
      await store.branch('other').delete()
      course.truth.branches.delete('other')
      await store.tag('v1').delete()
      course.truth.tags.delete('v1')
      const [head] = [await store.branch('main').head()]
      await store.tag('v2').create(head as Commit)
      course.truth.tags.set('v2', (head as Commit).hash)
    })
    await putBack(older, course)
    expect(await course.verify()).toEqual([])
    expect(await course.verify()).toEqual([])
  })

  test('from before a collection name no commit that went', async () => {
    await course.work(async (store) => {
      const target = await course.commit(store, 'main', 20)
      await store.branch('other').set(target)
      course.truth.branches.set('other', target.hash)
      await store.tag('v1').delete()
      course.truth.tags.delete('v1')
      await store.gc.run(target, { grace: 0 })
      for (let number = 0; number < 20; number++) course.truth.git.set(gitId(number), undefined)
      await course.commit(store, 'main', 21)
    })
    await putBack(older, course)
    expect(await course.verify()).toEqual([])
    expect(await course.verify()).toEqual([])
  })

  test('from before a Git commit was imported again as another commit', async () => {
    await course.work(async (store) => {
      await course.commit(store, 'main', 3, 'two')
      await store.branch('other').delete()
      course.truth.branches.delete('other')
    })
    await putBack(older, course)
    expect(await course.verify()).toEqual([])
  })
})

describe('projections of another log', () => {
  test('of a store of its own: told, and made anew once', async () => {
    const stranger = new Course()
    await stranger.work(async (store) => {
      for (let number = 0; number < 40; number++) await stranger.commit(store, 'main', number, 'stranger')
    })
    await putBack(join(stranger.path, 'db'), course)
    expect(await course.verify()).toHaveLength(1)
    expect(await course.verify()).toEqual([])
  })

  test('of a copy that went on longer: told, and made anew once', async () => {
    const copy = await course.copy()
    await copy.work(async (store) => {
      for (let number = 20; number < 60; number++) await copy.commit(store, 'main', number, 'copy')
    })
    await course.work(async (store) => {
      for (let number = 20; number < 25; number++) await course.commit(store, 'main', number)
    })
    await putBack(join(copy.path, 'db'), course)
    expect(await course.verify()).toHaveLength(1)
    expect(await course.verify()).toEqual([])
  })

  test('of a copy that went another way and is shorter: told when it shows, and made anew once', async () => {
    const copy = await course.copy()
    await copy.work(async (store) => {
      for (let number = 20; number < 25; number++) await copy.commit(store, 'main', number, 'copy')
    })
    await course.work(async (store) => {
      for (let number = 20; number < 60; number++) await course.commit(store, 'main', number)
    })
    await putBack(join(copy.path, 'db'), course)
    expect(await course.verify()).toHaveLength(1)
    expect(await course.verify()).toEqual([])
  })

  test('an empty folder: told, and made anew once', async () => {
    await rm(join(course.path, 'db'), { recursive: true })
    await mkdir(join(course.path, 'db'))
    expect(await course.verify()).toHaveLength(1)
    expect(await course.verify()).toEqual([])
  })
})
