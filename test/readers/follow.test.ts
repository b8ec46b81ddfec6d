/** Readers that reload by themselves: told by the file system, or by looking from time to time. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Deferred } from '@varve/pack/base'
import type { FileSystem } from '@varve/pack/fs'
import { InterceptedFileSystem, ManualClock, type MemoryFileSystem } from '@varve/pack/testing'
import { Store, type StoreEvent } from '@varve/store'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { MemoryReader } from '../support/memory-reader.ts'
import { emptyDisk, memoryFolder, openMemory } from '../support/memory-store.ts'
import { settled } from '../support/stepper.ts'

let disk: MemoryFileSystem
let store: Store
let clock: ManualClock
beforeEach(async () => {
  disk = await emptyDisk()
  store = await openMemory(disk)
  clock = new ManualClock()
  await store.branch('main').commit((edit) => void edit.set('a', '0'))
})
afterEach(() => store.close())

async function change(content: string): Promise<void> {
  await store.branch('main').commit((edit) => void edit.set('a', content))
}

function seen(reader: MemoryReader): string {
  return new TextDecoder().decode(reader.store.branch('main').getSync('a'))
}

/** Lets what has been begun come to its end: nothing here waits for time. */
async function rest(): Promise<void> {
  for (let n = 0; n < 20; n++) await settled()
}

describe('where nobody tells of changes', () => {
  test('it looks from time to time, and tells what has moved', async () => {
    const reader = await MemoryReader.open(disk, { follow: true, clock })
    await change('1')
    await rest()
    expect(seen(reader)).toBe('0')
    await clock.advance(499)
    await rest()
    expect(seen(reader)).toBe('0')
    await clock.advance(1)
    await rest()
    expect(seen(reader)).toBe('1')
    const head = await store.branch('main').head()
    const [event] = reader.events as [Extract<StoreEvent, { type: 'reloaded' }>]
    expect(event.changes.map(({ ref, after }) => [ref, after?.hash])).toEqual([['heads/main', head?.hash]])
    for (let n = 0; n < 5; n++) {
      await clock.advance(600)
      await rest()
    }
    expect(reader.events, 'nothing new is nothing to tell').toHaveLength(1)
    await reader.store.close()
    expect(clock.sleeperCount).toBe(0)
  })

  test('a look that fails is told once, and tried again', async () => {
    const reader = await MemoryReader.open(disk, { follow: true, clock })
    const control = Buffer.from(await disk.readFile(`${memoryFolder}/control`))
    await change('1')
    disk.damage(`${memoryFolder}/control`, () => Buffer.alloc(0))
    for (let n = 0; n < 3; n++) {
      await clock.advance(600)
      await rest()
    }
    expect(reader.events).toMatchObject([{ type: 'reload-failed', error: { code: 'CORRUPT' } }])
    expect(seen(reader)).toBe('0')
    disk.damage(`${memoryFolder}/control`, () => control)
    await clock.advance(600)
    await rest()
    expect(seen(reader)).toBe('1')
    await reader.store.close()
  })
})

describe('where the file system tells', () => {
  let tell: () => void
  let isWatched: boolean
  /** What a reload has to wait for at its first operation. */
  let gate: Deferred | undefined

  function watched(): FileSystem {
    const through = new InterceptedFileSystem(disk, {
      before: () => undefined,
      delay: async ({ kind }) => {
        if (kind === 'readFile') await gate?.promise
      },
    })
    isWatched = true
    return Object.assign(through, {
      watch: (folder: string, onChange: () => void) => {
        expect(folder).toBe(memoryFolder)
        tell = onChange
        return () => {
          isWatched = false
        }
      },
    })
  }

  test('it reloads at once, and after a pause what came meanwhile, together', async () => {
    const reader = await MemoryReader.open(disk, { follow: true, clock, through: watched() })
    await change('1')
    tell()
    await rest()
    expect(seen(reader)).toBe('1')
    for (const content of ['2', '3', '4']) {
      await change(content)
      tell()
    }
    await rest()
    expect(seen(reader)).toBe('1')
    await clock.advance(20)
    await rest()
    expect(seen(reader)).toBe('4')
    expect(reader.events).toHaveLength(2)
    await reader.store.close()
    expect([isWatched, clock.sleeperCount]).toEqual([false, 0])
    tell()
    await rest()
  })

  test('a change during a reload is not missed', async () => {
    const reader = await MemoryReader.open(disk, { follow: true, clock, through: watched() })
    gate = new Deferred()
    await change('1')
    tell()
    await rest()
    await change('2')
    tell()
    gate.resolve()
    gate = undefined
    await rest()
    await clock.advance(20)
    await rest()
    expect(seen(reader)).toBe('2')
    await reader.store.close()
  })

  test('it also looks from time to time, should the watch fall silent', async () => {
    const reader = await MemoryReader.open(disk, { follow: true, clock, through: watched() })
    await change('1')
    await clock.advance(5_000)
    await rest()
    expect(seen(reader)).toBe('1')
    await reader.store.close()
  })

  test('closing waits for the reload that runs', async () => {
    const reader = await MemoryReader.open(disk, { follow: true, clock, through: watched() })
    gate = new Deferred()
    await change('1')
    tell()
    await rest()
    let isClosed = false
    const closing = reader.store.close().then(() => {
      isClosed = true
    })
    await rest()
    expect(isClosed).toBe(false)
    gate.resolve()
    gate = undefined
    await closing
    await store.close()
    expect(disk.openHandles()).toEqual([])
    store = await openMemory(disk)
  })
})

test('on a disk, the system tells', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'varve-follow-'))
  try {
    const writer = await Store.open(folder)
    const told = new Deferred<string | undefined>()
    const reader = await Store.open(folder, {
      readOnly: true,
      follow: true,
      onEvent: (event) => {
        const moved = event.type === 'reloaded' ? event.changes[0]?.after?.hash : undefined
        if (moved !== undefined) told.resolve(moved)
      },
    })
    const head = await writer.branch('main').commit((edit) => void edit.set('a', 'b'))
    expect(await told.promise).toBe(head.hash)
    expect(await reader.branch('main').has('a')).toBe(true)
    await reader.close()
    await writer.close()
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
})
