/** One damaged record: what was in it is never taken for absent, and what a copy says of it holds. */
import { overwrite } from '@varve/pack/testing'
import { type Commit, type Store, type StoreEvent, VarveError } from '@varve/store'
import { describe, expect, test } from 'vitest'
import { emptyDisk, memoryFolder, openMemory } from '../support/memory-store.ts'

const chunk = 'suffix-1.pack'
const path = `${memoryFolder}/${chunk}`
const hashBytes = 32
/** In a record, where its hash and its body begin. */
const at = { hash: 16, body: 48 }

type Disk = Awaited<ReturnType<typeof emptyDisk>>

async function changedByte(disk: Disk, position: number): Promise<void> {
  const byte = (await disk.readFile(path))[position] as number
  disk.damage(path, overwrite(position, Buffer.from([byte ^ 0x10])))
}

async function failureOf(action: Promise<unknown>): Promise<VarveError> {
  const failure = await action.then(
    () => undefined,
    (error: unknown) => error,
  )
  if (!VarveError.is(failure)) throw new Error('a typed failure', { cause: failure })
  return failure
}

async function branchWith(store: Store, name: string): Promise<Commit> {
  return store.branch(name).commit((edit) => void edit.set(name, `content of ${name}`))
}

describe.each(['in the open chunk', 'in a sealed chunk', 'in a sealed chunk without its index'])(
  'a commit whose hash is damaged %s',
  (where) => {
    test('is damaged, not absent: by hash, by name, and by the beginning of its hash', async () => {
      const disk = await emptyDisk()
      const store = await openMemory(disk)
      const commit = await branchWith(store, 'one')
      await branchWith(store, 'two')
      if (where !== 'in the open chunk') await store.advanced.split()
      await store.close()
      if (where.endsWith('without its index')) await disk.remove(`${memoryFolder}/suffix-1.idx`)
      const start = (await disk.readFile(path)).indexOf(Buffer.from(commit.hash, 'hex'))
      for (let byte = 0; byte < hashBytes; byte += 5) {
        const damaged = disk.clone()
        await changedByte(damaged, start + byte)
        const again = await openMemory(damaged)
        const details = { file: chunk, offset: start - at.hash }
        for (const ask of [
          () => again.getCommit(commit.hash),
          () => again.resolve(commit.hash),
          () => again.resolve('one'),
        ]) {
          expect(await failureOf(ask()), `byte ${byte}`).toMatchObject({ code: 'CORRUPT', details })
        }
        expect(await failureOf(again.resolve(commit.hash.slice(0, 12)))).toMatchObject({ code: 'CORRUPT' })
        expect(await again.getCommit(`${'0'.repeat(63)}1` as Commit['hash'])).toBeUndefined()
        expect(await again.branch('two').has('two')).toBe(true)
        await again.close()
      }
    })
  },
)

describe('a damaged move of a branch', () => {
  test('is told with file and offset, and stops what it may have moved', async () => {
    const disk = await emptyDisk()
    const store = await openMemory(disk)
    await branchWith(store, 'moved')
    await branchWith(store, 'struck')
    await branchWith(store, 'later')
    await store.close()
    const key = (await disk.readFile(path)).indexOf('heads/struck')
    await changedByte(disk, key)
    const events: StoreEvent[] = []
    const again = await openMemory(disk, { events })
    // A key begins 8 bytes into the body.
    const details = { file: chunk, offset: key - 8 - at.body }
    expect(events).toContainEqual(expect.objectContaining({ type: 'damaged', ...details }))
    for (const name of ['moved', 'struck']) {
      expect(await failureOf(again.branch(name).head())).toMatchObject({ code: 'CORRUPT', details })
      expect(await failureOf(branchWith(again, name))).toMatchObject({ code: 'CORRUPT', details })
    }
    expect(await again.branch('later').has('later')).toBe(true)
    await again.close()
  })

  test('that a checkpoint has taken in is not missed', async () => {
    const disk = await emptyDisk()
    const store = await openMemory(disk)
    const target = await branchWith(store, 'target')
    await store.advanced.split()
    const struck = await branchWith(store, 'struck')
    expect(await store.startGc(target, { grace: 0 })).toBe(true)
    expect(await store.finaliseGc()).toMatchObject({ state: 'finalised' })
    await store.close()
    const [kept] = (await disk.list(memoryFolder)).filter((name) => /^suffix-\d+\.pack$/.test(name)).sort()
    const inChunk = `${memoryFolder}/${kept}`
    const key = (await disk.readFile(inChunk)).indexOf('heads/struck')
    expect(key, 'its record is in the log still').toBeGreaterThan(0)
    disk.damage(inChunk, overwrite(key, Buffer.from('H')))
    const again = await openMemory(disk)
    expect((await again.branch('struck').head())?.hash).toBe(struck.hash)
    expect((await again.branch('target').head())?.hash).toBe(target.hash)
    await again.close()
  })
})
