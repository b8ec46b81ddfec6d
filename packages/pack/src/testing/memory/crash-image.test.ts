import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { atomicReplace, type FileSystem, writeFully } from '../../fs/index.ts'
import { flipBit, MemoryFileSystem, misdirect, overwrite, truncateTo, zeroRange } from './index.ts'

/** A file '/s/a' with durable content 'old' and durable name. */
async function withOldFile(): Promise<MemoryFileSystem> {
  const fileSystem = new MemoryFileSystem()
  await fileSystem.mkdir('/s')
  await fileSystem.syncFolder('/')
  await atomicReplace(fileSystem, '/s', 'a', Buffer.from('old'))
  expect(fileSystem.pendingChanges()).toEqual([])
  return fileSystem
}

describe('what a power cut leaves', () => {
  it('a file that was synced but whose folder was not has no name', async () => {
    const fileSystem = await withOldFile()
    const handle = await fileSystem.open('/s/b', 'create')
    await writeFully(handle, Buffer.from('new'), 0, 3, 0)
    await handle.sync()
    expect(texts(fileSystem.crashImage({ keep: 'none' }))).toEqual({ '/s/a': 'old' })
    await fileSystem.syncFolder('/s')
    expect(texts(fileSystem.crashImage({ keep: 'none' }))).toEqual({ '/s/a': 'old', '/s/b': 'new' })
  })

  it('a name that was synced but whose file was not stands for an empty file', async () => {
    const fileSystem = await withOldFile()
    const handle = await fileSystem.open('/s/b', 'create')
    await writeFully(handle, Buffer.from('new'), 0, 3, 0)
    await fileSystem.syncFolder('/s')
    expect(texts(fileSystem.crashImage({ keep: 'none' }))).toEqual({ '/s/a': 'old', '/s/b': '' })
    expect(texts(fileSystem.crashImage({ keep: 'all' }))).toEqual({ '/s/a': 'old', '/s/b': 'new' })
  })

  it('a new folder needs its parent synced', async () => {
    const fileSystem = await withOldFile()
    await fileSystem.mkdir('/s/deep/er')
    await fileSystem.syncFolder('/s/deep')
    expect(fileSystem.crashImage({ keep: 'none' }).folders()).toEqual(['/s'])
    await fileSystem.syncFolder('/s')
    expect(fileSystem.crashImage({ keep: 'none' }).folders()).toEqual(['/s', '/s/deep', '/s/deep/er'])
  })

  it('a removed file may come back, and its space is what it was', async () => {
    const fileSystem = await withOldFile()
    await fileSystem.remove('/s/a')
    const image = fileSystem.crashImage({ keep: 'none' })
    expect(texts(image)).toEqual({ '/s/a': 'old' })
    expect(image.usedBytes).toBe(3)
    expect(texts(fileSystem.crashImage({ keep: 'all' }))).toEqual({})
  })

  it('two names of one file stay one file', async () => {
    const fileSystem = await withOldFile()
    await fileSystem.link('/s/a', '/s/b')
    await fileSystem.syncFolder('/s')
    const image = fileSystem.crashImage({ keep: 'none' })
    expect((await image.stat('/s/a'))?.inode).toBe((await image.stat('/s/b'))?.inode)
    await write(image, '/s/a', 'NEW')
    expect(texts(image)).toEqual({ '/s/a': 'NEW', '/s/b': 'NEW' })
    expect(texts(fileSystem)).toEqual({ '/s/a': 'old', '/s/b': 'old' })
  })

  it('writes keep their order in a prefix and no order at random', async () => {
    const fileSystem = await withOldFile()
    for (const at of [0, 1, 2]) await write(fileSystem, '/s/a', 'NEW'[at] as string, at)
    expect(seen(fileSystem, 'prefix')).toEqual(new Set(['old', 'Nld', 'NEd', 'NEW']))
    expect(seen(fileSystem, 'random').size).toBe(8)
  })

  it('the same seed leaves the same', async () => {
    const fileSystem = await withOldFile()
    for (const at of [0, 100, 2_000]) await write(fileSystem, '/s/a', 'x'.repeat(700), at)
    for (let seed = 0; seed < 20; seed++) {
      const options = { keep: 'random', seed, tear: 512 } as const
      expect(texts(fileSystem.crashImage(options))).toEqual(texts(fileSystem.crashImage(options)))
    }
  })
})

describe('torn writes', () => {
  it('are cut at any byte, or between sectors, and may leave the size', async () => {
    const fileSystem = await withOldFile()
    await write(fileSystem, '/s/a', 'N'.repeat(3_000), 3)
    const sizes = new Set<number>()
    for (let seed = 0; seed < 300; seed++) {
      const bytes = fileSystem.crashImage({ keep: 'all', seed, tear: 512 }).files().get('/s/a') as Buffer
      expect(bytes.subarray(0, 3).toString()).toBe('old')
      // Within a sector all bytes of the write are new, or all are a filler.
      for (let start = 3; start < bytes.length; start = (Math.floor(start / 512) + 1) * 512) {
        const end = Math.min((Math.floor(start / 512) + 1) * 512, bytes.length)
        expect(new Set(bytes.subarray(start, end)).size).toBe(1)
      }
      sizes.add(bytes.length)
    }
    expect(sizes.size).toBeGreaterThan(4)
    const cuts = new Set<number>()
    for (let seed = 0; seed < 300; seed++) {
      cuts.add(fileSystem.crashImage({ keep: 'all', seed, tear: 1 }).files().get('/s/a')?.length ?? -1)
    }
    expect(cuts.size).toBeGreaterThan(100)
  })

  it('leave old bytes where the file did not grow', async () => {
    const fileSystem = new MemoryFileSystem()
    await atomicReplace(fileSystem, '/', 'a', Buffer.alloc(4096, 1))
    await write(fileSystem, '/a', Buffer.alloc(4096, 2).toString('latin1'))
    for (let seed = 0; seed < 100; seed++) {
      const bytes = fileSystem.crashImage({ keep: 'random', seed, tear: 512 }).files().get('/a') as Buffer
      expect(bytes.length).toBe(4096)
      expect([...new Set(bytes)].every((byte) => byte === 1 || byte === 2)).toBe(true)
    }
  })
})

describe('crashImages', () => {
  it('goes through every subset of a few changes', async () => {
    const fileSystem = await withOldFile()
    await write(fileSystem, '/s/a', 'N')
    await write(fileSystem, '/s/a', 'E', 1)
    await fileSystem.rename('/s/a', '/s/b')
    const images = [...fileSystem.crashImages(1_000)].map(({ fileSystem: image }) => key(image))
    for (const name of ['/s/a', '/s/b']) {
      for (const text of ['old', 'Nld', 'oEd', 'NEd']) expect(images).toContain(`${name}=${text}`)
    }
  })

  it('keeps to its limit, names what it did, and leaves the original alone', async () => {
    const fileSystem = await withOldFile()
    for (let i = 0; i < 30; i++) await write(fileSystem, '/s/a', 'N', i)
    const before = texts(fileSystem)
    const images = [...fileSystem.crashImages(50)]
    expect(images).toHaveLength(50)
    expect(images[0]?.label).toBe('nothing kept')
    expect(new Set(images.map(({ label }) => label)).size).toBe(50)
    for (const { fileSystem: image } of images) await write(image, '/s/a', 'zzz')
    expect(texts(fileSystem)).toEqual(before)
    expect(fileSystem.pendingChanges()).toHaveLength(30)
  })

  it('is the one image of a file system where everything is synced', async () => {
    expect([...(await withOldFile()).crashImages(100)]).toHaveLength(1)
  })

  it('finds each step of a replacement that is left out', async () => {
    const forget = ['sync', 'rename first', 'nothing'] as const
    const results = await Promise.all(forget.map((step) => survivors(step)))
    expect(results[2]).toEqual(
      new Set(['/s/a=old', '/s/a=new', '/s/a=old,/s/a.tmp=new', '/s/a=new,/s/a.tmp=new']),
    )
    expect([...(results[0] as Set<string>)].some((state) => /\/s\/a=(,|$)/.test(state))).toBe(true)
    expect([...(results[1] as Set<string>)].some((state) => /\/s\/a=(,|$)/.test(state))).toBe(true)
  })

  /** Every state after a crash between the rename and the sync of the folder, with one step left out. */
  async function survivors(forgotten: 'sync' | 'rename first' | 'nothing'): Promise<Set<string>> {
    const fileSystem = await withOldFile()
    const handle = await fileSystem.open('/s/a.tmp', 'create')
    if (forgotten === 'rename first') await fileSystem.rename('/s/a.tmp', '/s/a')
    await writeFully(handle, Buffer.from('new'), 0, 3, 0)
    if (forgotten === 'nothing') await handle.sync()
    if (forgotten !== 'rename first') await fileSystem.rename('/s/a.tmp', '/s/a')
    await handle.close()
    return new Set([...fileSystem.crashImages(200)].map(({ fileSystem: image }) => key(image)))
  }
})

it('what was synced is in every image, whatever was done before and after', async () => {
  const anyWrite = fc.record({
    at: fc.nat({ max: 40 }),
    text: fc.string({ minLength: 1, maxLength: 10, unit: fc.constantFrom('a', 'b', 'c') }),
  })
  await fc.assert(
    fc.asyncProperty(fc.array(anyWrite), fc.array(anyWrite), fc.nat(), async (before, after, seed) => {
      const fileSystem = await withOldFile()
      for (const { at, text } of before) await write(fileSystem, '/s/a', text, at)
      const handle = await fileSystem.open('/s/a', 'write')
      await handle.datasync()
      await handle.close()
      const synced = fileSystem.files().get('/s/a')?.toString('latin1') ?? ''
      for (const { at, text } of after) await write(fileSystem, '/s/a', text, 100 + at)
      for (const tear of ['none', 1, 512] as const) {
        const image = fileSystem.crashImage({ keep: 'random', seed, tear })
        expect(image.files().get('/s/a')?.toString('latin1').slice(0, synced.length)).toBe(synced)
        expect(image.pendingChanges()).toEqual([])
      }
    }),
  )
})

it('damages bytes as a faulty disk does, at once and for good', async () => {
  const fileSystem = await withOldFile()
  await write(fileSystem, '/s/a', 'abcdef')
  const after = (change: (bytes: Buffer) => Buffer): string => {
    const copy = fileSystem.clone()
    copy.damage('/s/a', change)
    expect(texts(copy.crashImage({ keep: 'none' }))).toEqual(texts(copy))
    expect(copy.usedBytes).toBe(copy.files().get('/s/a')?.length)
    return copy.files().get('/s/a')?.toString('latin1') ?? ''
  }
  expect(after(flipBit(8))).toBe('accdef')
  expect(after(zeroRange(1, 3))).toBe('a\0\0def')
  expect(after(truncateTo(2))).toBe('ab')
  expect(after(truncateTo(8))).toBe('abcdef\0\0')
  expect(after(misdirect(0, 3, 2))).toBe('\0\0cabf')
  expect(after(overwrite(2, Buffer.from('XY')))).toBe('abXYef')
})

function seen(fileSystem: MemoryFileSystem, keep: 'prefix' | 'random'): Set<string> {
  const states = new Set<string>()
  for (let seed = 0; seed < 100; seed++) {
    states.add(fileSystem.crashImage({ keep, seed }).files().get('/s/a')?.toString() ?? '')
  }
  return states
}

function texts(fileSystem: MemoryFileSystem): Record<string, string> {
  return Object.fromEntries([...fileSystem.files()].map(([path, bytes]) => [path, bytes.toString()]))
}

function key(fileSystem: MemoryFileSystem): string {
  return [...fileSystem.files()].map(([path, bytes]) => `${path}=${bytes}`).join()
}

async function write(fileSystem: FileSystem, path: string, text: string, at: number = 0): Promise<void> {
  const handle = await fileSystem.open(path, 'write')
  await writeFully(handle, Buffer.from(text, 'latin1'), 0, text.length, at)
  await handle.close()
}
