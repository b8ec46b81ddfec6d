/** A store found or made: folder, control, and what is left over in the folder. */
import { loadXxh64 } from '@varve/pack/base'
import { VarveError } from '@varve/pack/errors'
import { classifyFile, fileName } from '@varve/pack/layout'
import { type ControlState, readControl, replaceControl } from '@varve/pack/pack'
import {
  flipBit,
  InterceptedFileSystem,
  MemoryFileSystem,
  type Operation,
  systemError,
  truncateTo,
} from '@varve/pack/testing'
import { beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { type CreateMode, prepareFolder } from './prepare-folder.ts'
import { removeLeftovers, type TakenControl, takeControl } from './take-control.ts'

const folder = '/disk/store'

beforeAll(loadXxh64)

let disk: MemoryFileSystem
beforeEach(async () => {
  disk = new MemoryFileSystem()
  await disk.mkdir('/disk')
  await disk.syncFolder('/')
})

async function open(fs: MemoryFileSystem | InterceptedFileSystem = disk): Promise<TakenControl> {
  await prepareFolder(fs, folder, 'if-missing')
  const taken = await take(fs, 'if-missing')
  await removeLeftovers({ fs, folder }, taken.control)
  return taken
}

function take(fs: MemoryFileSystem | InterceptedFileSystem, create: CreateMode): Promise<TakenControl> {
  return takeControl({ fs, folder, create, random: (size) => Buffer.alloc(size, 5) })
}

async function put(name: string, bytes = 'x'): Promise<void> {
  const handle = await disk.open(`${folder}/${name}`, 'create')
  handle.writeSync(Buffer.from(bytes), 0, bytes.length, 0)
  await handle.close()
}

async function codeOf(work: Promise<unknown>): Promise<string> {
  const error = await work.then(
    () => undefined,
    (failure: unknown) => failure,
  )
  return VarveError.is(error) ? error.code : String(error)
}

describe('control', () => {
  test('of a new store names its first chunk, of an old one a new term', async () => {
    const made = await open()
    expect(made).toMatchObject({ isNew: true, wasDamaged: false, control: { sequence: 1, writerTerm: 1 } })
    expect(made.control.chunks).toEqual([{ number: 1, base: 0, length: null }])
    const again = await open()
    expect(again.isNew).toBe(false)
    expect(again.control).toEqual({ ...made.control, sequence: 2, writerTerm: 2 })
    expect((await readControl(disk, folder)).state).toEqual(again.control)
  })

  test('that somebody has made or removed since the folder was prepared', async () => {
    await prepareFolder(disk, folder, 'must')
    await open()
    expect(await codeOf(take(disk, 'must'))).toBe('OPTION_MISMATCH')
    await prepareFolder(disk, folder, 'never')
    await disk.remove(`${folder}/${fileName.control}`)
    const before = await disk.list(folder)
    expect(await codeOf(take(disk, 'never'))).toBe('NO_STORE')
    expect(await disk.list(folder)).toEqual(before)
  })

  test('has a file counter above every number in the folder', async () => {
    await open()
    await put(fileName.spill(41))
    expect((await open()).control.fileCounter).toBe(41)
    expect((await open()).control.fileCounter, 'and never goes back').toBe(41)
  })

  test('with one copy damaged says so and is whole again', async () => {
    await open()
    disk.damage(`${folder}/control`, flipBit(8 * 100))
    expect((await open()).wasDamaged).toBe(true)
    expect((await open()).wasDamaged).toBe(false)
  })

  test('that is older than the files is refused before anything is deleted', async () => {
    const { control } = await open()
    await put(fileName.chunk(2), 'y'.repeat(65))
    await put(fileName.spill(3))
    const before = await disk.list(folder)
    expect(await codeOf(open())).toBe('CORRUPT')
    expect(await disk.list(folder)).toEqual(before)
    // A chunk without a batch was never named.
    disk.damage(`${folder}/${fileName.chunk(2)}`, truncateTo(64))
    expect(await codeOf(open())).toBe('undefined')
    expect(await disk.list(folder)).toEqual(['control', fileName.chunk(1)])
    expect((await readControl(disk, folder)).state.chunks).toEqual(control.chunks)
  })

  test.each([
    [fileName.chunk(1), {}],
    [fileName.checkpoint(7), { checkpoint: { number: 7, position: 0 } }],
    [fileName.segment(8), { segments: [{ number: 8, low: 64, high: 128, bytes: 128, objects: 1 }] }],
    [fileName.segmentMap(8), { segments: [{ number: 8, low: 64, high: 128, bytes: 128, objects: 1 }] }],
  ])('that names %s is refused without it', async (missing, change: Partial<ControlState>) => {
    const { control } = await open()
    const next = {
      ...control,
      sequence: 9,
      fileCounter: 9,
      retire: 'segments' in change ? 4096 : 0,
      ...change,
    }
    const chunks = [{ number: 1, base: next.retire, length: null }]
    await replaceControl(disk, folder, { ...next, chunks })
    for (const name of [fileName.segment(8), fileName.segmentMap(8), fileName.checkpoint(7)]) {
      if (name !== missing) await put(name)
    }
    if (missing === fileName.chunk(1)) await disk.remove(`${folder}/${missing}`)
    const failure = await open().catch((error: unknown) => error)
    expect(failure).toMatchObject({ code: 'CORRUPT', details: { file: missing } })
    expect((await readControl(disk, folder)).state.sequence, 'nothing is replaced').toBe(9)
  })
})

describe('leftovers', () => {
  test('are deleted, and nothing else is', async () => {
    await open()
    const ours = [
      ...[fileName.chunk(9), fileName.chunkIndex(9), fileName.segment(9), fileName.segmentMap(9)],
      ...[fileName.segmentIndex(9), fileName.checkpoint(9), fileName.spill(9), fileName.controlTemporary],
    ]
    const others = [
      'notes.txt',
      'suffix-09.pack',
      'suffix-9.pack.bak',
      'lock-owner-77',
      fileName.chunkIndex(1),
    ]
    for (const name of [...ours, ...others]) await put(name)
    await open()
    expect(await disk.list(folder)).toEqual(['control', fileName.chunk(1), ...others].sort())
  })

  test('are no files that control names', async () => {
    const { control } = await open()
    const named = {
      ...control,
      segments: [{ number: 8, low: 64, high: 128, bytes: 128, objects: 1 }],
      checkpoint: { number: 7, position: 0 },
    }
    const own = [
      fileName.segment(8),
      fileName.segmentMap(8),
      fileName.segmentIndex(8),
      fileName.checkpoint(7),
    ]
    for (const name of [...own, fileName.checkpoint(6), fileName.segment(9)]) await put(name)
    await removeLeftovers({ fs: disk, folder }, named)
    expect(await disk.list(folder)).toEqual(['control', fileName.chunk(1), ...own].sort())
  })

  test('stay until control has been replaced and its folder is synced', async () => {
    await open()
    await put(fileName.spill(9))
    const done: string[] = []
    const watch = (operation: Operation): undefined => {
      done.push(`${operation.kind} ${operation.to ?? operation.path}`.replace(`${folder}/`, ''))
      return undefined
    }
    await open(new InterceptedFileSystem(disk, { before: watch }))
    const order = ['rename control', `syncFolder ${folder}`, `remove ${fileName.spill(9)}`]
    const places = order.map((step) => done.lastIndexOf(step))
    expect(places).toEqual(places.toSorted((a, b) => a - b))
    expect(places).not.toContain(-1)
  })
})

describe('a first opening', () => {
  test('that is cut off anywhere is made good by the next one', async () => {
    let operations = 0
    await open(new InterceptedFileSystem(disk.clone(), { before: () => void operations++ }))
    expect(operations).toBeGreaterThan(10)
    for (let stop = 1; stop <= operations; stop++) {
      const cut = disk.clone()
      let count = 0
      const before = ({ kind, path }: Operation): { kind: 'fail'; error: Error } | undefined =>
        ++count < stop ? undefined : { kind: 'fail', error: systemError('EIO', kind, path) }
      await open(new InterceptedFileSystem(cut, { before })).catch(() => undefined)
      const { isNew, control } = await open(cut)
      const names = await cut.list(folder)
      expect(names, `operation ${stop}`).toEqual(['control', fileName.chunk(control.chunks[0]?.number ?? 0)])
      expect(isNew).toBe(control.writerTerm === 1)
      expect(cut.openHandles()).toEqual([])
    }
  })

  test('uses no file number of one before it', async () => {
    await disk.mkdir(folder)
    await put(fileName.chunk(3), 'x'.repeat(64))
    const { control } = await open()
    expect(control).toMatchObject({ fileCounter: 4, chunks: [{ number: 4, base: 0 }] })
    expect(await disk.list(folder)).toEqual(['control', fileName.chunk(4)])
  })
})

describe('a folder', () => {
  test('is made where it may be, every new name durable', async () => {
    const deep = '/disk/a/b/store'
    expect(await codeOf(prepareFolder(disk, deep, 'never'))).toBe('NO_STORE')
    await prepareFolder(disk, deep, 'must')
    expect(disk.crashImage({ keep: 'none' }).folders()).toContain(deep)
  })

  test('with a store is opened or refused as asked', async () => {
    await open()
    await prepareFolder(disk, folder, 'never')
    await prepareFolder(disk, folder, 'if-missing')
    expect(await codeOf(prepareFolder(disk, folder, 'must'))).toBe('OPTION_MISMATCH')
  })

  test('of somebody else, or a file, is no store', async () => {
    await disk.mkdir(folder)
    expect(await codeOf(prepareFolder(disk, folder, 'never'))).toBe('NO_STORE')
    await put('notes.txt')
    expect(classifyFile('notes.txt').kind).toBe('unknown')
    for (const create of ['if-missing', 'must', 'never'] as const) {
      expect(await codeOf(prepareFolder(disk, folder, create))).toBe('NO_STORE')
    }
    expect(await codeOf(prepareFolder(disk, `${folder}/notes.txt`, 'if-missing'))).toBe('NO_STORE')
  })

  test('whose control is gone is no place for a new store', async () => {
    await open()
    await disk.remove(`${folder}/control`)
    await put(fileName.chunk(2), 'y'.repeat(65))
    expect(await codeOf(open())).toBe('CORRUPT')
  })
})
