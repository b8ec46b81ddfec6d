import { loadXxh64, systemClock } from '@varve/pack/base'
import { readControl } from '@varve/pack/pack'
import { MemoryFileSystem, SeededRandom } from '@varve/pack/testing'
import { beforeAll, describe, expect, test } from 'vitest'
import { readGeneration } from '../collector/testing/generation-contents.ts'
import { type KnownRecord, SmallStore, storeId } from '../collector/testing/small-store.ts'
import type { CopyJob, CopyResult } from '../job/index.ts'
import { Copier } from './copier.ts'

beforeAll(loadXxh64)

/** The id is that of the source, as the reader of generations knows no other. */
const output = { dir: '/copy', storeId: storeId.toString('hex') }

async function jobFor(store: SmallStore, o: Partial<CopyJob> = {}): Promise<CopyJob> {
  await store.endBatch()
  await store.fs.mkdir(output.dir)
  const { dir, retire, segments, checkpoint } = store
  return {
    ...{ dir, storeId: output.storeId, output, end: store.end, timeMs: 1_000 },
    previous: { retire, segments, checkpoint, chunks: [...store.chunks, store.openChunk] },
    ...{ refs: undefined, commits: new Float64Array(), depth: undefined },
    ...o,
  }
}

async function copy(store: SmallStore, job: CopyJob): Promise<CopyResult> {
  let nonce = 0
  const newNonce = (): Buffer => Buffer.alloc(16, ++nonce)
  return new Copier(store.fs, job, { clock: systemClock, newNonce }).run()
}

/** Offsets of the records in the segments of the copy. */
async function copied(store: SmallStore): Promise<readonly number[]> {
  const { state } = await readControl(store.fs, output.dir)
  return (await readGeneration(new SmallStore(store.fs, output.dir), state.segments)).offsets
}

const offsets = (...records: KnownRecord[]): number[] => records.map((r) => r.offset).sort((a, b) => a - b)

describe('a copy', () => {
  test('has what its refs hold, under the offsets of the source, out of all chunks', async () => {
    const store = await SmallStore.create(new MemoryFileSystem())
    const a = store.blob('a')
    store.blob('nobody')
    const tree = store.node('t1', [a])
    const first = store.commit('first', tree, [])
    store.setRef('gone', first)
    await store.seal({ index: true })
    const b = store.blob('b')
    const other = store.node('t2', [a, b])
    const second = store.commit('second', other, [first.hash])
    store.setRef('main', second)
    store.setRef('gone', undefined)
    const result = await copy(store, await jobFor(store))
    expect(result).toMatchObject({ objects: 6, refs: ['heads/main'] })
    expect(await copied(store)).toEqual(offsets(a, tree, first, b, other, second))
  })

  test('spills what its memory has no room for, and leaves no scratch behind', async () => {
    const random = new SeededRandom(11)
    const store = await SmallStore.create(new MemoryFileSystem())
    const kept: KnownRecord[] = []
    for (let n = 0; n < 40; n++) {
      const blobs = Array.from({ length: 30 }, (_, i) =>
        store.blob(`${n} ${i} ${'x'.repeat(random.below(4_000))}`),
      )
      const tree = store.node(`t${n}`, blobs)
      const commit = store.commit(`c${n}`, tree, n === 0 ? [] : [kept.at(-1)?.hash as string])
      kept.push(...blobs, tree, commit)
      if (n % 7 === 6) await store.seal({ index: n % 2 === 0 })
    }
    store.setRef('main', kept.at(-1))
    const result = await copy(store, await jobFor(store, { memoryBytesMax: 64 }))
    expect(result.objects).toBe(kept.length)
    expect(await copied(store)).toEqual(offsets(...kept))
    const names = await store.fs.list(output.dir)
    const numbers = new Set(names.map((name) => /[0-9]+/.exec(name)?.[0] ?? 'none'))
    const { state } = await readControl(store.fs, output.dir)
    // One number was that of the scratch file.
    expect(state.fileCounter).toBe(numbers.size)
    expect(names.map((name) => name.replace(/[0-9]+/, 'N'))).toEqual([
      ...['control', 'gen-N.idx', 'gen-N.map', 'gen-N.pack', 'meta-N.ckpt', 'suffix-N.pack'],
    ])
  })
})
