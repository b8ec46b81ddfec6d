/** A collection put into place, and what is left of one that cannot be. */
import { VarveError } from '@varve/pack/errors'
import { fileName } from '@varve/pack/layout'
import { BlockCache, FileRetirer, Segment } from '@varve/pack/pack'
import { type Fault, FaultFileSystem, flipBit, type MemoryFileSystem, truncateTo } from '@varve/pack/testing'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Commit } from '../api/index.ts'
import { emptyDisk, MemoryRooms, roomsFolder } from '../assembly/testing/memory-rooms.ts'
import { rebuildSegmentIndex } from './segment-index.ts'

const eio: Fault = { kind: 'error', code: 'EIO' }

let disk: MemoryFileSystem
let faults: FaultFileSystem
let store: MemoryRooms
let head: Commit
beforeEach(async () => {
  disk = await emptyDisk()
  faults = new FaultFileSystem(disk)
  store = await MemoryRooms.open({ disk, through: faults })
  const main = store.branch('main')
  await main.commit((edit) => void edit.set('old', 'x'))
  head = await main.commit((edit) => void edit.delete('old').set('a', 'x').set('b', 'y'))
})
afterEach(async () => {
  faults.setPlan([])
  await store.close().catch(() => undefined)
  expect(disk.openHandles()).toEqual([])
})

const names = (): Promise<string[]> => disk.list(roomsFolder)

/** Whether both files of the head are there. */
function isWhole(): boolean {
  const main = store.branch('main')
  return main.headSync()?.hash === head.hash && main.hasSync('a') && main.hasSync('b')
}

describe('a collection', () => {
  test('takes the old files away, its own stay', async () => {
    const { gc, files, retirer } = store.rooms
    await gc.run(head, { grace: 0 })
    await retirer.drained()
    const [segment] = files.control.segments
    const number = segment?.number ?? 0
    const own = [fileName.segment(number), fileName.segmentMap(number), fileName.segmentIndex(number)]
    expect(await names()).toEqual(expect.arrayContaining(own))
    expect(await names()).not.toContain(fileName.chunk(1))
    expect(files.control.target?.hash).toBe(head.hash)
    const before = files.control.checkpoint?.number ?? 0
    await gc.run(head, { grace: 0 })
    expect(await names()).not.toContain(fileName.checkpoint(before))
    expect(isWhole()).toBe(true)
  })

  test.each([/gen-\d+\.pack$/, /gen-\d+\.map$/, /gen-\d+\.idx$/])(
    'whose %s cannot be opened leaves no file, and the store as it was',
    async (path) => {
      const { gc, files, log } = store.rooms
      // Read by the switch only: the collector makes its files and does not open them again.
      faults.setPlan([{ fault: eio, kinds: ['open'], path }])
      const failure = await gc.run(head, { grace: 0 }).catch((error: unknown) => error)
      expect(VarveError.is(failure)).toBe(true)
      expect(faults.struck).toHaveLength(1)
      expect([files.epoch, log.failure]).toEqual([0, undefined])
      expect((await names()).filter((name) => /^(gen|meta|spill)-/.test(name))).toEqual([])
      expect(isWhole()).toBe(true)
      faults.setPlan([])
      await gc.run(head, { grace: 0 })
      expect([files.epoch, isWhole()]).toEqual([1, true])
    },
  )

  test('of which it is not known whether it has happened ends writing, and keeps all files', async () => {
    const { gc, log } = store.rooms
    // Control is first replaced when the chunk is sealed, then by the switch.
    faults.setPlan([{ fault: { ...eio, late: true }, kinds: ['rename'], path: /\/control$/, at: 2 }])
    const failure = await gc.run(head, { grace: 0 }).catch((error: unknown) => error)
    expect(VarveError.is(failure)).toBe(true)
    expect(log.failure).toMatchObject({ code: 'WRITER_FAILED' })
    const left = await names()
    for (const kind of [/^suffix-1\.pack$/, /^gen-\d+\.pack$/, /^meta-\d+\.ckpt$/]) {
      expect(
        left.some((name) => kind.test(name)),
        String(kind),
      ).toBe(true)
    }
    expect(isWhole(), 'reads go on').toBe(true)
    await store.close().catch(() => undefined)
    store = await MemoryRooms.open({ disk })
    expect(isWhole()).toBe(true)
  })
})

describe("a segment's index", () => {
  async function withSegment(use: (segment: Segment) => Promise<void>): Promise<void> {
    const { files } = store.rooms
    const info = files.control.segments[0] as (typeof files.control.segments)[0]
    const cache = new BlockCache({ bytesMax: 1 << 20 })
    const retirer = new FileRetirer(disk, () => undefined)
    const segment = await Segment.open(disk, {
      folder: roomsFolder,
      info,
      storeId: storeId(),
      cache,
      retirer,
    })
    try {
      await use(segment)
    } finally {
      segment.release()
      await retirer.drained()
    }
  }

  const storeId = (): Buffer => Buffer.from(store.rooms.files.control.storeId, 'hex')

  test('is made anew as it was, and not over damage', async () => {
    await store.rooms.gc.run(head, { grace: 0 })
    await withSegment(async (segment) => {
      const path = `${roomsFolder}/${fileName.segmentIndex(segment.number)}`
      const pack = `${roomsFolder}/${fileName.segment(segment.number)}`
      const bytes = await disk.readFile(path)
      const rebuild = (): Promise<void> =>
        rebuildSegmentIndex({ fs: disk, folder: roomsFolder, storeId: storeId(), segment })
      await disk.remove(path)
      await rebuild()
      expect(Buffer.compare(await disk.readFile(path), bytes)).toBe(0)
      await disk.remove(path)
      const [run] = segment.runs()
      const position = run?.position ?? 0
      const details = { file: fileName.segment(segment.number), offset: position }
      disk.damage(pack, flipBit(8 * (position + 48)))
      await expect(rebuild()).rejects.toMatchObject({ code: 'CORRUPT', details })
      disk.damage(pack, truncateTo(position + 8))
      await expect(rebuild()).rejects.toMatchObject({ code: 'CORRUPT', details })
      expect(disk.files().has(path)).toBe(false)
    })
  })
})
