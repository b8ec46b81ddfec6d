import { loadXxh64, systemClock } from '@varve/pack/base'
import { VarveError } from '@varve/pack/errors'
import { fileName } from '@varve/pack/layout'
import { metaTable, rawToHex, recordKind, sha256 } from '@varve/pack/objects'
import { IndexBuilder, writeCheckpoint } from '@varve/pack/pack'
import { flipBit, MemoryFileSystem, truncateTo } from '@varve/pack/testing'
import { beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { collect } from '../collector/testing/collect.ts'
import { type KnownRecord, SmallStore, storeId } from '../collector/testing/small-store.ts'
import { Checker } from './checker.ts'
import { checked, findingsOf, leaf, leafOver, noHash, told } from './testing/checked.ts'

/** What the record of a directory with one file `name` takes. */
const leafBytes = 104

let fs: MemoryFileSystem
let store: SmallStore
beforeAll(loadXxh64)
beforeEach(async () => {
  fs = new MemoryFileSystem()
  store = await SmallStore.create(fs)
})

/** A commit of one file, which a branch names. */
function commitOf(name: string, content: string): Record<'blob' | 'tree' | 'commit', KnownRecord> {
  const blob = store.blob(content)
  const tree = leaf(store, name, blob)
  const commit = store.commit(`adds ${name}`, tree, [])
  store.setRef(name, commit)
  return { blob, tree, commit }
}

function chunkOf(record: { readonly offset: number }): { readonly file: string; readonly at: number } {
  const chunks = [...store.chunks, store.openChunk]
  const chunk = chunks.find(({ base, length }) => record.offset >= base && record.offset < base + length)
  if (chunk === undefined) throw new TypeError('the record lies in no chunk')
  return { file: fileName.chunk(chunk.number), at: record.offset - chunk.base }
}

test('nothing is found in a whole store, with a generation, sealed chunks, and an open one', async () => {
  commitOf('one', 'first')
  const { commit } = commitOf('two', 'second')
  await store.seal()
  const job = await store.job({ targetRecord: commit })
  await store.adopt(job, await collect(store, job))
  for (const chunk of store.chunks) await store.buildIndex(chunk)
  commitOf('three', 'third')
  await store.seal()
  commitOf('four', 'fourth')
  await store.endBatch()
  const result = await checked(store)
  expect(result).toMatchObject({ findings: [], omitted: 0, missing: [] })
  expect(result.objects).toBeGreaterThan(9)
  expect(result.hashed).toBe(result.objects)
  expect(fs.openHandles()).toEqual([])
})

describe('a damaged record', () => {
  test('is told with its hash and with what is lost, by commit and path', async () => {
    const { blob, commit } = commitOf('name', 'content that is not whole')
    await store.seal()
    await store.damage(blob, 50)
    const { findings } = await checked(store)
    const { file, at } = chunkOf(blob)
    expect(findings.map(told)).toEqual([`error ${file} ${at} not repairable`])
    expect(findings[0]).toMatchObject({
      hash: rawToHex(blob.hash),
      lost: [{ commit: rawToHex(commit.hash), path: 'name' }],
    })
  })

  test('is repairable, and nothing is lost, where a copy stands in', async () => {
    const { blob } = commitOf('name', 'content that is there twice')
    await store.seal()
    const copy = store.blob('content that is there twice')
    await store.endBatch()
    await store.damage(blob, 50)
    const { findings } = await checked(store)
    expect(findings.map(told)).toEqual([`error ${chunkOf(blob).file} ${chunkOf(blob).at} repairable`])
    expect(findings[0]?.lost).toBeUndefined()
    expect(findings[0]?.what).toContain(`${chunkOf(copy).file} at ${chunkOf(copy).at}`)
  })

  test('in the middle of a batch of which the chain breaks hides none of those behind it', async () => {
    const { blob } = commitOf('name', 'content')
    commitOf('other', 'other content')
    await store.seal()
    await store.damage(blob, 13)
    const { findings, objects } = await checked(store)
    expect(findings.map(told)).toEqual([`error ${chunkOf(blob).file} ${chunkOf(blob).at} not repairable`])
    expect(objects).toBe(5)
  })

  test('of a generation is told in its segment', async () => {
    const { blob, commit } = commitOf('name', 'content')
    const job = await store.job({ targetRecord: commit })
    await store.adopt(job, await collect(store, job))
    await store.damage(blob, 16)
    const { findings } = await checked(store)
    const { number } = store.segments[0] as { number: number }
    expect(findings).toMatchObject([{ file: fileName.segment(number), hash: rawToHex(blob.hash) }])
    expect(findings[0]?.lost).toEqual([{ commit: rawToHex(commit.hash), path: 'name' }])
  })

  test('of metadata cannot be made anew', async () => {
    const { commit } = commitOf('name', 'content')
    const meta = store.setRef('branch', commit)
    await store.seal()
    await store.damage(meta, 60)
    expect(await findingsOf(store)).toEqual([
      `error ${chunkOf(meta).file} ${chunkOf(meta).at} not repairable`,
    ])
  })
})

describe('a reference', () => {
  test('that leads nowhere is told at the record that has it', async () => {
    const blob = store.blob('content')
    const tree = leafOver(store, 'name', { hash: noHash, offset: blob.offset })
    const commit = store.commit('m', tree, [])
    await store.endBatch()
    const { findings } = await checked(store)
    expect(findings.map(told)).toEqual([`error ${chunkOf(tree).file} ${chunkOf(tree).at} not repairable`])
    expect(findings[0]?.lost).toEqual([{ commit: rawToHex(commit.hash), path: 'name' }])
  })

  test('to a record of another kind leads nowhere', async () => {
    const blob = store.blob('content')
    const commit = store.commit('m', blob, [])
    await store.endBatch()
    expect(await findingsOf(store)).toEqual([
      `error ${chunkOf(commit).file} ${chunkOf(commit).at} not repairable`,
    ])
  })

  test('that points up is told, except where a healed record leads to what it names', async () => {
    const lost = { hash: noHash, offset: store.next + 4096 }
    const tree = leafOver(store, 'name', lost)
    await store.endBatch()
    const told = `${chunkOf(tree).file} ${chunkOf(tree).at} not repairable`
    expect(await findingsOf(store)).toEqual([`error ${told}`])
    const later = Buffer.from('written behind it')
    const above = { hash: sha256(later, 0, later.length), offset: store.next + leafBytes }
    leafOver(store, 'name', above, { healed: true })
    expect(store.blob(later).offset).toBe(above.offset)
    await store.endBatch()
    expect(await findingsOf(store), 'only the first').toEqual([`error ${told}`])
    const wrong = leafOver(
      store,
      'name',
      { ...above, hash: noHash, offset: store.next + leafBytes },
      { healed: true },
    )
    store.blob('something else')
    await store.endBatch()
    expect(await findingsOf(store)).toContain(
      `error ${chunkOf(wrong).file} ${chunkOf(wrong).at} not repairable`,
    )
  })

  test('of a branch to a commit that is not there is told at the record that says so', async () => {
    const { commit } = commitOf('name', 'content')
    const meta = store.setRef('branch', { ...commit, hash: noHash })
    await store.endBatch()
    expect(await findingsOf(store)).toEqual([
      `error ${chunkOf(meta).file} ${chunkOf(meta).at} not repairable`,
    ])
  })

  test('that a later record has superseded holds nothing', async () => {
    const { commit } = commitOf('name', 'content')
    store.setRef('branch', { ...commit, hash: noHash })
    store.setRef('branch', commit)
    await store.endBatch()
    expect(await findingsOf(store)).toEqual([])
  })
})

test('references are found in parts, where memory has no room for all', async () => {
  const blobs = Array.from({ length: 12 }, (_, i) => store.blob(Buffer.alloc(200_000, `blob ${i}`)))
  await store.endBatch()
  const trees = blobs.map((blob, i) => leaf(store, `file-${i}`, blob))
  const lost = leafOver(store, 'lost', { hash: noHash, offset: (blobs[5] as KnownRecord).offset })
  for (const tree of trees) store.commit('m', tree, [])
  const commit = store.commit('m', lost, [])
  await store.endBatch()
  const whole = await checked(store)
  expect(whole.findings).toHaveLength(1)
  expect(whole.findings[0]?.lost).toEqual([{ commit: rawToHex(commit.hash), path: 'lost' }])
  expect((await checked(store, { memoryBytesMax: 1 })).findings).toEqual(whole.findings)
})

test('an object whose content has another hash is found when it is hashed, and only then', async () => {
  const body = Buffer.from('content')
  const blob = store.put(recordKind.blob, noHash, body, [], {})
  await store.endBatch()
  expect(await findingsOf(store, { hashedPart: 0 })).toEqual([])
  expect(await findingsOf(store)).toEqual([`error ${chunkOf(blob).file} ${chunkOf(blob).at} not repairable`])
})

describe('an index', () => {
  const path = (): string => `${store.dir}/${fileName.chunkIndex(1)}`

  beforeEach(async () => {
    commitOf('name', 'content')
    await store.seal()
  })

  test('that is missing, or damaged, is repairable', async () => {
    fs.damage(path(), flipBit(8 * 5000))
    expect(await findingsOf(store)).toEqual([`error ${fileName.chunkIndex(1)} 4096 repairable`])
    await fs.remove(path())
    const { findings, missing } = await checked(store)
    expect(findings.map(told)).toEqual([`error ${fileName.chunkIndex(1)} 0 repairable`])
    expect(missing).toEqual([fileName.chunkIndex(1)])
  })

  test('that is whole but leaves objects of its pack file out is found', async () => {
    await fs.remove(path())
    const [{ length = 0 } = {}] = store.chunks
    const builder = new IndexBuilder()
    await builder.write(fs, { path: path(), number: 1, storeId, packLength: length })
    const { findings } = await checked(store)
    expect(findings.map(told)).toEqual([`error ${fileName.chunkIndex(1)} 0 repairable`])
    expect(findings[0]?.what).toContain('3 objects')
  })

  test('that lists an object which is not there is found', async () => {
    await fs.remove(path())
    const [chunk] = store.chunks
    const builder = new IndexBuilder()
    for (const record of store.records.values()) {
      const hash = Buffer.from(record.hash, 'latin1')
      if (record.kind < 4) builder.add(record.kind as 1, hash, 0, record.offset, record.size)
      else builder.addMetadata(record.offset)
    }
    builder.add(1, Buffer.from(noHash, 'latin1'), 0, 8192, 56)
    await builder.write(fs, { path: path(), number: 1, storeId, packLength: chunk?.length ?? 0 })
    const { findings } = await checked(store)
    expect(findings.map(told)).toEqual([`error ${fileName.chunkIndex(1)} 0 repairable`])
    expect(findings[0]?.what).toContain('1 of its entries')
  })
})

describe('a file', () => {
  test('that is missing is one finding, with all that was in it', async () => {
    const { commit } = commitOf('name', 'content')
    await store.seal()
    store.setRef('main', commit)
    await store.endBatch()
    await fs.remove(`${store.dir}/${fileName.chunk(1)}`)
    const { findings, missing } = await checked(store)
    expect(findings.filter(({ file }) => file === fileName.chunk(1)).map(told)).toEqual([
      `error ${fileName.chunk(1)} 0 not repairable`,
    ])
    expect(findings[0]?.lost).toEqual([{ commit: rawToHex(commit.hash), path: '' }])
    expect(missing).toEqual([fileName.chunk(1)])
  })

  test('that ends too early, or has a damaged header, is told', async () => {
    commitOf('name', 'content')
    await store.seal()
    const path = `${store.dir}/${fileName.chunk(1)}`
    const [{ length = 0 } = {}] = store.chunks
    fs.damage(path, truncateTo(length - 8))
    expect(await findingsOf(store)).toContain(`error ${fileName.chunk(1)} ${length - 8} not repairable`)
    fs.damage(path, truncateTo(length))
    fs.damage(path, flipBit(8 * 20))
    expect((await findingsOf(store))[0]).toBe(`error ${fileName.chunk(1)} 56 not repairable`)
  })

  test('of a map that is damaged leaves its segment unread, and says so once', async () => {
    const { commit } = commitOf('name', 'content')
    const job = await store.job({ targetRecord: commit })
    await store.adopt(job, await collect(store, job))
    const { number } = store.segments[0] as { number: number }
    fs.damage(`${store.dir}/${fileName.segmentMap(number)}`, flipBit(8 * 5000))
    const found = await findingsOf(store)
    expect(found[0]).toBe(`error ${fileName.segmentMap(number)} 4096 not repairable`)
  })
})

test('a checkpoint that says something else than the log is found', async () => {
  commitOf('name', 'content')
  await store.seal()
  const position = store.openChunk.base
  await writeCheckpoint(fs, { folder: store.dir, number: 900, storeId, position }, [])
  store.checkpoint = { number: 900, position }
  await store.endBatch()
  const { findings } = await checked(store)
  expect(findings.map(told)).toEqual([`error ${fileName.checkpoint(900)} 0 not repairable`])
  expect(findings[0]?.what).toContain('branch name')
  expect(metaTable.refs).toBe(1)
})

test('a layer of another name has it in front of its files', async () => {
  const { blob } = commitOf('name', 'content')
  await store.endBatch()
  await store.damage(blob, 50)
  const { number, base, length } = store.openChunk
  const layer = {
    folder: store.dir,
    prefix: 'volume-1/',
    storeId: storeId.toString('hex'),
    chunks: [{ number, base, length }],
    unindexed: [number],
    segments: [],
  }
  const found = await checked(store, { layers: [layer] })
  expect(found.findings.map(({ file }) => file)).toEqual([`volume-1/${fileName.chunk(number)}`])
})

test('a check that is stopped ends with the reason, and leaves no handle', async () => {
  for (let i = 0; i < 50; i++) commitOf(`name-${i}`, `content ${i}`)
  await store.endBatch()
  const { number, base, length } = store.openChunk
  const chunks = [{ number, base, length }]
  const files = { folder: store.dir, prefix: '', storeId: storeId.toString('hex'), chunks, segments: [] }
  const job = { layers: [{ ...files, unindexed: [number] }], hashedPart: 0 }
  const checker = new Checker(fs, job, { clock: systemClock })
  checker.stop(new VarveError('ABORTED', {}))
  await expect(checker.run()).rejects.toMatchObject({ code: 'ABORTED' })
  expect(fs.openHandles()).toEqual([])
})
