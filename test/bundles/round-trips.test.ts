/** What a bundle brings from one store to another, and that its bytes follow from its commits alone. */
import type { Commit, Store } from '@varve/store'
import { describe, expect, test } from 'vitest'
import { bundled, sumOf, taken } from '../support/bundled.ts'
import { readRefs } from '../support/read-whole.ts'
import { expectCode } from '../support/scenario.ts'
import { SecondStore } from '../support/second-store.ts'
import { seededBytes } from '../support/seeded-bytes.ts'
import { type TempStore, withStore } from '../support/temp-store.ts'

const big = seededBytes(3, 1_500_000)
const info = (message: string) => ({ message, author: 'a', date: 1_000 })

/**
 * A history with merges, large content, a wide directory, deep ones, modes, empty ones, and an annotated tag.
 */
async function layOut(store: Store): Promise<Commit[]> {
  const main = store.branch('main')
  const first = await main.commit((edit) => {
    for (let n = 0; n < 3_000; n++) edit.set(`wide/entry ${n * 7}`, `${n % 50}`)
    edit.set('deep/er/and/deep/er/still', 'x').set('run', '#!', { mode: 'executable' })
    edit.set('link', 'run', { mode: 'symlink' }).set('empty', '')
  }, info('first'))
  const side = store.branch('side')
  await side.set(first)
  const other = await side.commit((edit) => void edit.set('big', big), info('side'))
  const changed = Buffer.from(big)
  changed.fill(1, 700_000, 700_100)
  const second = await main.commit(
    (edit) => void edit.set('big', changed).delete('wide/entry 7'),
    info('second'),
  )
  const tree = await second.tree().setTree('none', store.emptyTree())
  const merge = await store.commit({ tree, parents: [second, other], ...info('merge') })
  await main.set(merge)
  await store.tag('v1').create(first)
  await store.tag('v2').create(merge, { message: 'of note\n', author: 'b', date: -5 })
  return [first, other, second, merge]
}

function run(body: (temp: TempStore, other: SecondStore) => Promise<void>): Promise<void> {
  return withStore({}, async (temp) => {
    const other = new SecondStore(temp)
    await other.open({ create: 'must' })
    await body(temp, other)
    await other.check()
  })
}

describe('a bundle', () => {
  test('brings everything, in pieces of any size', () =>
    run(async ({ store }, other) => {
      await layOut(store)
      const { bytes, objects, commits } = await bundled(store)
      expect(commits).toBe(4)
      for (const pieceBytes of [1 << 20, 4_097]) {
        const { contents, refs } = await taken(other.store, bytes, { pieceBytes })
        expect(contents).toMatchObject({ objects, commits: 4, bytes: bytes.length })
        const state = pieceBytes === 1 << 20 ? 'created' : 'unchanged'
        expect(refs.map((ref) => `${ref.ref} ${ref.state}`)).toEqual([
          `heads/main ${state}`,
          `heads/side ${state}`,
          `tags/v1 ${state}`,
          `tags/v2 ${state}`,
        ])
      }
      expect(await readRefs(other.store)).toEqual(await readRefs(store))
      const noted = { message: 'of note\n', author: 'b', date: new Date(-5) }
      expect(await other.store.tag('v2').annotation()).toEqual(noted)
      // Chunks of the large content are shared.
      expect(bytes.length).toBeLessThan(2 * big.length)
    }))

  test('has the same bytes whatever store it is made of', () =>
    run(async ({ store }, other) => {
      const [first, side] = (await layOut(store)) as [Commit, Commit]
      const all = await bundled(store)
      await taken(other.store, all.bytes)
      expect(sumOf((await bundled(other.store)).bytes)).toBe(sumOf(all.bytes))
      await other.store.gc.run(undefined, { grace: 0 })
      await store.branch('main').commit((edit) => void edit.set('more', 'more'), info('more'))
      await store.branch('main').set((await store.resolve('v2')) as Commit)
      expect(sumOf((await bundled(other.store)).bytes)).toBe(sumOf(all.bytes))
      expect(sumOf((await bundled(store)).bytes)).toBe(sumOf(all.bytes))
      // The order in which they are named does not count, nor how often.
      const named = { revisions: ['v2', 'side', 'main', 'v1', 'side'] }
      expect(sumOf((await bundled(store, named)).bytes)).toBe(sumOf(all.bytes))
      const hashes = await bundled(store, { revisions: [side.hash, first.hash] })
      expect(sumOf(hashes.bytes)).not.toBe(sumOf(all.bytes))
      expect(sumOf((await bundled(other.store, { revisions: [first.hash, side.hash] })).bytes)).toBe(
        sumOf(hashes.bytes),
      )
    }))

  test('that leaves out what the other has needs it, and is small', () =>
    run(async ({ store }, other) => {
      const [first] = (await layOut(store)) as [Commit]
      const base = await bundled(store, { revisions: ['v1'] })
      const thin = await bundled(store, { revisions: ['main'], not: ['v1'] })
      expect(thin).toMatchObject({ commits: 3, prerequisites: 1 })
      expect(thin.objects).toBeLessThan(base.objects)
      await expectCode(taken(other.store, thin.bytes), 'UNKNOWN_COMMIT')
      expect(await readRefs(other.store)).toEqual({})
      await taken(other.store, base.bytes)
      await other.store.gc.run(undefined, { grace: 0 })
      const { contents } = await taken(other.store, thin.bytes)
      expect(contents.prerequisites).toHaveLength(1)
      const refs = await readRefs(store)
      expect(await readRefs(other.store)).toEqual({
        'heads/main': refs['heads/main'],
        'tags/v1': refs['tags/v1'],
      })
      expect(await other.store.isAncestor(first, (await other.store.branch('main').head()) as Commit)).toBe(
        true,
      )
      // Nothing but a ref.
      const none = await bundled(store, { revisions: ['v2'], not: ['main'] })
      expect(none).toMatchObject({ commits: 0, objects: 0, prerequisites: 1 })
      await taken(other.store, none.bytes)
      expect((await other.store.tag('v2').target())?.hash).toBe((await store.tag('v2').target())?.hash)
    }))

  test('moves branches on, and never elsewhere', () =>
    run(async ({ store }, other) => {
      const [first, , , merge] = (await layOut(store)) as [Commit, Commit, Commit, Commit]
      const { bytes } = await bundled(store, { revisions: ['main'] })
      await taken(other.store, (await bundled(store, { revisions: ['v1'] })).bytes)
      const main = other.store.branch('main')
      await main.set(first)
      expect((await taken(other.store, bytes)).refs).toEqual([
        { ref: 'heads/main', commit: merge.hash, state: 'moved' },
      ])
      const own = await main.commit((edit) => void edit.set('own', 'own'))
      const before = await readRefs(other.store)
      await expectCode(taken(other.store, bytes), 'CONFLICT')
      await main.set(first)
      const aside = await main.commit((edit) => void edit.set('aside', 'aside'))
      await expectCode(taken(other.store, bytes), 'CONFLICT')
      expect((await main.head())?.hash).toBe(aside.hash)
      await main.set(own)
      expect(await readRefs(other.store)).toEqual(before)
      await other.store.tag('v2').create(first)
      await expectCode(
        taken(other.store, (await bundled(store, { revisions: ['v2', 'side'] })).bytes),
        'CONFLICT',
      )
      expect(await other.store.branch('side').head()).toBeUndefined()
    }))

  test('of commits without a name: they stay for the grace of collections', () =>
    run(async ({ store }, other) => {
      const [first, side] = (await layOut(store)) as [Commit, Commit]
      const { refs } = await taken(
        other.store,
        (await bundled(store, { revisions: [side.hash, 'main~1'] })).bytes,
      )
      expect(refs).toEqual([])
      await other.store.gc.run()
      expect(await other.store.getCommit(side.hash)).toBeDefined()
      await other.store.gc.run(undefined, { grace: 0 })
      expect(await other.store.getCommit(first.hash)).toBeUndefined()
    }))

  test('that is damaged or cut off changes no ref, wherever that is', () =>
    run(async ({ store }, other) => {
      await store.branch('main').commit((edit) => void edit.set('a', 'a').set('b/c', 'c'), info('one'))
      const { bytes } = await bundled(store)
      await other.store.branch('own').commit((edit) => void edit.set('own', 'own'))
      const before = await readRefs(other.store)
      for (let at = 0; at < bytes.length; at += 3) {
        const flipped = Buffer.from(bytes)
        flipped[at]! ^= 0x10
        for (const bad of [flipped, bytes.subarray(0, at)]) {
          const outcome = await taken(other.store, bad).catch((error: { code: string }) => error.code)
          expect(outcome, `${at}`).toMatch(/^(CORRUPT|NEWER_FORMAT)$/)
        }
      }
      expect(await readRefs(other.store)).toEqual(before)
      await other.store.gc.run(undefined, { grace: 0 })
      expect(other.store.stats().objects.commit).toBe(1)
      await taken(other.store, bytes)
    }))

  test('of nothing, or of what is not there, is refused', () =>
    run(async ({ store }, other) => {
      await layOut(store)
      await expectCode(bundled(other.store), 'OPTION_MISMATCH')
      await expectCode(bundled(store, { revisions: ['nobody'] }), 'UNKNOWN_COMMIT')
      await expectCode(bundled(store, { not: ['nobody'] }), 'UNKNOWN_COMMIT')
      await expectCode(bundled(store, { to: 'x' } as never), 'OPTION_MISMATCH')
    }))
})

describe('while it is under way', () => {
  test('the store that it is made of is collected: the bundle is that of its beginning', () =>
    run(async ({ store }, other) => {
      await layOut(store)
      const whole = await bundled(store)
      const before = await readRefs(store)
      const { bytes } = await (await import('@varve/store/internal')).bundleOf(store)
      const parts: Buffer[] = []
      for await (const part of bytes) {
        if (parts.length === 3) {
          const head = await store.branch('main').commit((edit) => void edit.delete('wide').delete('big'))
          for (const name of ['v1', 'v2']) await store.tag(name).delete()
          await store.branch('side').delete()
          await store.gc.run(head, { grace: 0 })
        }
        parts.push(part)
      }
      expect(sumOf(Buffer.concat(parts))).toBe(sumOf(whole.bytes))
      await taken(other.store, Buffer.concat(parts))
      expect(await readRefs(other.store)).toEqual(before)
    }))

  test('the store that takes it in is collected: nothing is lost', () =>
    run(async ({ store }, other) => {
      await layOut(store)
      await taken(other.store, (await bundled(store, { revisions: ['v1'] })).bytes)
      const { bytes } = await bundled(store)
      let count = 0
      await taken(other.store, bytes, {
        onProgress: ({ done }) => {
          count = done
        },
      })
      expect(count).toBeGreaterThan(100)
      const slow = (async function* () {
        for (let at = 0; at < bytes.length; at += 300_000) {
          if (at === 300_000) await other.store.tag('v1').delete()
          await other.store.gc.run(undefined, { grace: 0 })
          yield bytes.subarray(at, at + 300_000)
        }
      })()
      await other.store.branch('main').delete()
      await other.store.branch('side').delete()
      await other.store.tag('v2').delete()
      await (await import('@varve/store/internal')).takeBundleInto(other.store, slow, { name: 'slow' })
      expect(await readRefs(other.store)).toEqual(await readRefs(store))
    }))

  test('an abort, a source that fails, a store that closes: no ref is there', () =>
    run(async ({ store }, other) => {
      await layOut(store)
      const { bytes } = await bundled(store)
      const stop = new AbortController()
      const aborted = taken(other.store, bytes, { signal: stop.signal, onProgress: () => stop.abort() })
      await expectCode(aborted, 'ABORTED')
      const failing = (async function* () {
        yield bytes.subarray(0, 100_000)
        throw new Error('the line is dead')
      })()
      const { takeBundleInto } = await import('@varve/store/internal')
      await expect(takeBundleInto(other.store, failing, { name: 'x' })).rejects.toThrow('the line is dead')
      expect(await readRefs(other.store)).toEqual({})
    }))
})
