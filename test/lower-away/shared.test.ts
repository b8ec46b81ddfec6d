/** Two copies of a store that go on apart, with one lower layer between them. */
import type { MemoryFileSystem } from '@varve/pack/testing'
import type { Commit, Hash, Store } from '@varve/store'
import { expect, test } from 'vitest'
import { expectAll, layeredLife } from '../support/layered-life.ts'
import { listFiles } from '../support/list-files.ts'
import { memoryFolder, openMemory } from '../support/memory-store.ts'
import { lowerFolder } from '../support/movable-layer.ts'
import { readCommit, type WholeTree } from '../support/read-whole.ts'

/** Commits and archives. */
async function goOn(store: Store, name: string): Promise<Map<Hash<'commit'>, WholeTree>> {
  const made = new Map<Hash<'commit'>, WholeTree>()
  let last: Commit | undefined
  for (let at = 0; at < 4; at++) {
    last = await store.branch('main').commit((edit) => void edit.set(`dir/${name}`, `${name} ${at}`))
    made.set(last.hash, (await readCommit(store, last.hash)) as WholeTree)
  }
  await store.gc.run(last, { grace: 0 })
  return made
}

test('the second one to archive is refused, and has a volume of its own if it asks for one', async () => {
  const life = await layeredLife('further')
  const { disk } = life
  await copyFolder(disk, memoryFolder, '/disk/copy')
  let store = await openMemory(disk)
  const first = new Map([...life.commits, ...(await goOn(store, 'original'))])
  await store.close()
  await disk.rename(memoryFolder, '/disk/original')
  await disk.rename('/disk/copy', memoryFolder)
  const before = await contents(disk)
  store = await openMemory(disk)
  const refused = await goOn(store, 'the copy').catch((error: unknown) => error)
  expect(refused).toMatchObject({ code: 'GC_FAILED', details: { reason: 'lower' } })
  expect(String(refused)).toContain('advanced.addVolume()')
  expect(await contents(disk)).toEqual(before)
  await store.advanced.addVolume()
  const second = new Map([...life.commits, ...(await goOn(store, 'the copy'))])
  await expectAll(store, { commits: second })
  await store.close()
  await disk.rename(memoryFolder, '/disk/copy')
  await disk.rename('/disk/original', memoryFolder)
  store = await openMemory(disk)
  await expectAll(store, { commits: first })
  await goOn(store, 'original again')
  await expectAll(store, { commits: first })
  await store.close()
})

async function contents(disk: MemoryFileSystem): Promise<Record<string, string>> {
  const found: Record<string, string> = {}
  for (const name of await listFiles(disk, lowerFolder)) {
    found[name] = (await disk.readFile(`${lowerFolder}/${name}`)).toString('latin1')
  }
  return found
}

async function copyFolder(disk: MemoryFileSystem, from: string, to: string): Promise<void> {
  await disk.mkdir(to)
  for (const name of await listFiles(disk, from)) {
    const bytes = await disk.readFile(`${from}/${name}`)
    const handle = await disk.open(`${to}/${name}`, 'create')
    await handle.write(bytes, 0, bytes.length, 0)
    await handle.close()
  }
}
