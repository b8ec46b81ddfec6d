/** What a copy holds, and that its source is as it was. */
import type { Commit, CopyOptions, Progress, Store } from '@varve/store'
import { describe, expect, test } from 'vitest'
import { readRefs } from '../support/read-whole.ts'
import { expectCode } from '../support/scenario.ts'
import { SecondStore } from '../support/second-store.ts'
import { seededBytes } from '../support/seeded-bytes.ts'
import { firstNow, type TempStore, withStore } from '../support/temp-store.ts'

const big = seededBytes(7, 700_000)

/** Branches `main` (5 commits, the third of which merges `side`) and `side` (2), tags `v1` and `signed`. */
async function layOut(store: Store): Promise<Record<'one' | 'two' | 'a' | 'merge' | 'head', Commit>> {
  const put = (branch: string, path: string, content: string | Uint8Array): Promise<Commit> =>
    store.branch(branch).commit((edit) => void edit.set(path, content), { message: path })
  const one = await put('main', 'x/one', '1')
  const two = await put('main', 'x/two', '2')
  await store.branch('side').set(one)
  const a = await put('side', 'y/a', 'side')
  const tree = await two.tree().set('y/a', 'side')
  const merge = await store.commit({ tree, parents: [two, a], message: 'merge' })
  await store.branch('main').set(merge)
  await store.tag('v1').create(two)
  await store.tag('signed').create(a, { message: 'of note', author: 'somebody', date: 5 })
  await store.commit({ tree: await merge.tree().set('off', 'all branches'), parents: [merge] })
  await put('main', 'big', big)
  const head = await put('main', 'x/one', '3')
  return { one, two, a, merge, head }
}

interface Copied {
  readonly temp: TempStore
  readonly made: Awaited<ReturnType<typeof layOut>>
  readonly copy: SecondStore
  to(o?: CopyOptions): Promise<{ objects: number; bytes: number; refs: readonly string[] }>
  /** Messages of all commits that the copy's refs and `also` reach. */
  log(...also: readonly Commit[]): Promise<string[]>
}

function run(
  body: (copied: Copied) => Promise<void>,
  o: { place?: 'memory' | 'disk'; changes?: boolean } = {},
): Promise<void> {
  return withStore({ place: o.place ?? 'memory' }, async (temp) => {
    const made = await layOut(temp.store)
    const copy = new SecondStore(temp)
    const before = await readRefs(temp.store)
    await body({
      ...{ temp, made, copy },
      to: async (options) => {
        const report = await temp.store.copyTo(copy.folder, options)
        await copy.open()
        return report
      },
      log: async (...also) => {
        const from = [...also]
        for await (const branch of copy.store.branches()) from.push((await branch.head()) as Commit)
        for await (const tag of copy.store.tags()) from.push((await tag.target()) as Commit)
        return (await copy.store.log(from).toArray()).map(({ message }) => message)
      },
    })
    if (o.changes !== true) expect(await readRefs(temp.store)).toEqual(before)
    if (await copy.isThere()) await copy.check()
  })
}

describe('what is asked for', () => {
  test.each(['memory', 'disk'] as const)('nothing said: all branches and tags, %s', (place) =>
    run(
      async ({ temp, copy, to, log }) => {
        const { refs, objects } = await to()
        expect(refs).toEqual(['heads/main', 'heads/side', 'tags/signed', 'tags/v1'])
        expect(await readRefs(copy.store)).toEqual(await readRefs(temp.store))
        expect(await log()).toHaveLength(6)
        expect(await copy.store.tag('signed').annotation()).toMatchObject({
          message: 'of note',
          author: 'somebody',
        })
        // The commit off all branches is not among them.
        const stats = copy.store.stats()
        expect(stats.objects.commit).toBe(6)
        expect(objects).toBe(stats.objects.commit + stats.objects.tree + stats.objects.blob)
      },
      { place },
    ),
  )

  test.each([
    { refs: ['main'], expected: ['heads/main'], commits: 6 },
    { refs: ['side'], expected: ['heads/side'], commits: 2 },
    { refs: ['v1', 'tags/signed'], expected: ['tags/signed', 'tags/v1'], commits: 3 },
    { refs: ['heads/side', 'side'], expected: ['heads/side'], commits: 2 },
    { refs: [], expected: [], commits: 0 },
  ])('refs $refs', ({ refs, expected, commits }) =>
    run(async ({ to, copy, log }) => {
      expect((await to({ refs })).refs).toEqual(expected)
      expect(copy.store.stats().objects.commit).toBe(commits)
      if (commits > 0) expect(await log()).toHaveLength(commits)
    }),
  )

  test.each([
    { depth: 1, messages: ['x/one', 'y/a'] },
    { depth: 2, messages: ['x/one', 'big', 'y/a', 'x/one'] },
    { depth: 3, messages: ['x/one', 'big', 'merge', 'y/a', 'x/one'] },
    { depth: 4, messages: ['x/one', 'big', 'merge', 'y/a', 'x/two', 'x/one'] },
    { depth: Number.POSITIVE_INFINITY, messages: ['x/one', 'big', 'merge', 'y/a', 'x/two', 'x/one'] },
  ])('depth $depth of the branches', ({ depth, messages }) =>
    run(async ({ to, log }) => {
      await to({ refs: ['main', 'side'], depth })
      expect((await log()).sort()).toEqual([...messages].sort())
    }),
  )

  test('commits without refs are found by hash, for the grace of collections', () =>
    run(async ({ temp, made, copy, to, log }) => {
      expect(await to({ commits: [made.a, made.two.hash], depth: 1 })).toMatchObject({ refs: [] })
      expect(await log(made.a, made.two)).toEqual(['y/a', 'x/two'])
      expect(await copy.store.getCommit(made.one.hash)).toBeUndefined()
      await copy.store.gc.run()
      expect(await copy.store.getCommit(made.a.hash)).toBeDefined()
      temp.now = firstNow + 11 * 60_000
      await copy.store.gc.run()
      expect(await copy.store.getCommit(made.a.hash)).toBeUndefined()
    }))

  test('refs and commits together', () =>
    run(async ({ made, copy, to }) => {
      expect(await to({ refs: ['side'], commits: [made.head], depth: 1 })).toMatchObject({
        refs: ['heads/side'],
      })
      expect(await copy.store.getCommit(made.head.hash)).toBeDefined()
      expect(await copy.store.getCommit(made.merge.hash)).toBeUndefined()
    }))

  test('the history ends at the horizon', () =>
    run(async ({ temp, made, to, log }) => {
      await temp.store.gc.run(made.merge, { grace: 0 })
      await to({ refs: ['main'] })
      // Those of the tags are there by themselves.
      expect(await log()).toEqual(['x/one', 'big', 'merge', 'y/a', 'x/two'])
    }))

  test('also what lies in several generations and chunks', () =>
    run(
      async ({ temp, made, copy, to }) => {
        await temp.store.gc.run(made.merge, { grace: 0 })
        await temp.store.branch('main').commit((edit) => void edit.set('z', 'z'))
        await temp.store.advanced.split()
        await temp.store.branch('new').commit((edit) => void edit.set('n', 'n'))
        await temp.store.branch('side').delete()
        const { refs } = await to()
        expect(refs).toEqual(['heads/main', 'heads/new', 'tags/signed', 'tags/v1'])
        expect(await readRefs(copy.store)).toEqual(await readRefs(temp.store))
      },
      { changes: true },
    ))

  test('an empty store', async () =>
    withStore({}, async (temp) => {
      const copy = new SecondStore(temp)
      expect(await temp.store.copyTo(copy.folder)).toEqual({ objects: 0, bytes: 0, refs: [] })
      await copy.open()
      await copy.store.branch('main').commit((edit) => void edit.set('a', 'a'))
      await copy.check()
    }))
})

describe('the copy', () => {
  test('is a store of its own: written to, collected, copied again', () =>
    run(async ({ temp, made, copy, to }) => {
      await to()
      const before = await readRefs(temp.store)
      await copy.store.branch('main').commit((edit) => void edit.set('x/one', 'of the copy').set('big2', big))
      // The large content is there already.
      expect(copy.store.stats().objects.blob).toBeLessThan(20)
      const third = new SecondStore(temp, 'third')
      await copy.store.copyTo(third.folder, { refs: ['main'], depth: 2 })
      await copy.store.gc.run((await copy.store.branch('main').head()) as Commit, { grace: 0 })
      expect(await copy.store.getCommit(made.one.hash)).toBeUndefined()
      await third.open()
      expect(await third.store.branch('main').get('x/one')).toEqual(
        await copy.store.branch('main').get('x/one'),
      )
      await third.check()
      expect(await readRefs(temp.store)).toEqual(before)
    }))

  test('has the offsets of its source, so that both give new ones above them', () =>
    run(async ({ temp, copy, to }) => {
      await to()
      const bases = await Promise.all(
        [temp.folder, copy.folder].map(async (folder) => {
          const { readControl } = await import('@varve/pack/pack')
          return (await readControl(temp.disk, folder)).state
        }),
      )
      const [source, made] = bases as [(typeof bases)[0], (typeof bases)[0]]
      expect(made.retire).toBe(made.chunks[0]?.base)
      expect(made.chunks).toHaveLength(1)
      expect(made.segments).toHaveLength(1)
      expect(made.segments[0]?.low).toBeGreaterThan(source.chunks[0]?.base ?? 0)
      expect(made).toMatchObject({ epoch: 1, writerTerm: 2, lower: null, volumes: [], target: null })
    }))
})

describe('refusals', () => {
  test('a name that is none, a commit that is none, and options that make no sense', () =>
    run(async ({ temp, copy }) => {
      const { store } = temp
      await expectCode(store.copyTo(copy.folder, { refs: ['main', 'nobody'] }), 'REF_NOT_FOUND')
      await expectCode(store.copyTo(copy.folder, { commits: ['0'.repeat(64) as never] }), 'UNKNOWN_COMMIT')
      for (const depth of [0, -1, 1.5, Number.NaN]) {
        await expectCode(store.copyTo(copy.folder, { depth }), 'OPTION_MISMATCH')
      }
      for (const o of [{ refs: 'main' }, { refs: [1] }, { commits: 'main' }, { to: 'x' }]) {
        await expectCode(store.copyTo(copy.folder, o as never), 'OPTION_MISMATCH')
      }
      for (const dir of ['', 'a\0b', undefined, 5]) {
        await expectCode(store.copyTo(dir as never), 'INVALID_PATH')
      }
      expect(await copy.isThere()).toBe(false)
    }))

  test('a folder that is not empty, or none; an empty one is taken', () =>
    run(async ({ temp, copy, to }) => {
      const { disk, store } = temp
      await disk.mkdir(copy.folder)
      const file = await disk.open(`${copy.folder}/mine`, 'create')
      await file.close()
      await expectCode(store.copyTo(copy.folder), 'OPTION_MISMATCH')
      await expectCode(store.copyTo(`${copy.folder}/mine`), 'OPTION_MISMATCH')
      await expectCode(store.copyTo(store.path), 'OPTION_MISMATCH')
      expect(await disk.list(copy.folder)).toEqual(['mine'])
      await disk.remove(`${copy.folder}/mine`)
      await to()
    }))

  test('abort, before and during, and close: nothing is left', () =>
    run(async ({ temp, copy }) => {
      const gone = new AbortController()
      gone.abort()
      await expectCode(temp.store.copyTo(copy.folder, { signal: gone.signal }), 'ABORTED')
      const during = new AbortController()
      const copying = temp.store.copyTo(copy.folder, { signal: during.signal })
      during.abort()
      await expectCode(copying, 'ABORTED')
      expect(await copy.isThere()).toBe(false)
      await temp.disk.mkdir(copy.folder)
      const closed = temp.store.copyTo(copy.folder)
      const closing = temp.close()
      await expectCode(closed, 'STORE_CLOSED')
      await closing
      expect(await temp.disk.list(copy.folder)).toEqual([])
      await temp.disk.removeFolder(copy.folder)
      await temp.open()
    }))

  test('on a thread too: the abort ends it', () =>
    run(
      async ({ temp, copy }) => {
        const during = new AbortController()
        const phases: Progress[] = []
        const copying = temp.store.copyTo(copy.folder, {
          signal: during.signal,
          onProgress: (progress) => phases.push(progress),
        })
        during.abort(new Error('enough'))
        await expectCode(copying, 'ABORTED')
        expect(await copy.isThere()).toBe(false)
        await temp.store.copyTo(copy.folder)
        await copy.open()
      },
      { place: 'disk' },
    ))
})
