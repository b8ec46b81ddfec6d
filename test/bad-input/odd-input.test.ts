/** What callers and users get wrong: folders that are no stores, options, hashes, paths, and names. */
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { type Hash, parseHash, Store, type WriterOptions } from '@varve/store'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { isThere } from '../support/installed.ts'
import { emptyDisk, openMemory } from '../support/memory-store.ts'
import { expectCode } from '../support/scenario.ts'

const hasProc = isThere(existsSync('/proc/self'), '/proc', 'a file system that lets no folder be made is')

let parent: string
let count = 0
beforeAll(async () => {
  parent = await mkdtemp(join(tmpdir(), 'varve-odd-'))
})
afterAll(() => rm(parent, { recursive: true, force: true }))

function newPath(): string {
  return join(parent, `p${count++}`)
}

describe('a folder', () => {
  test('with files of somebody else is left as it is', async () => {
    const path = newPath()
    await mkdir(path)
    await writeFile(join(path, 'thesis.txt'), 'years of work')
    await expectCode(Store.open(path), 'NO_STORE')
    expect(await readdir(path)).toEqual(['thesis.txt'])
    expect(await readFile(join(path, 'thesis.txt'), 'utf8')).toBe('years of work')
  })

  test('that is a file, lies below a file, or is a link to nothing', async () => {
    const file = newPath()
    await writeFile(file, 'a file')
    await expectCode(Store.open(file), 'NO_STORE')
    await expectCode(Store.open(join(file, 'store')), 'NO_STORE')
    expect(await readFile(file, 'utf8')).toBe('a file')
    const link = newPath()
    await symlink(join(parent, 'nowhere'), link)
    await expectCode(Store.open(link), 'NO_STORE')
    await expectCode(Store.open(join(link, 'store')), 'NO_STORE')
    const loop = newPath()
    await symlink(loop, loop)
    await expectCode(Store.open(loop), 'NO_STORE')
  })

  test.skipIf(!hasProc)('in a file system that lets no folder be made', async () => {
    await expectCode(Store.open('/proc/varve'), 'NO_STORE')
    await expectCode(Store.open('/proc/varve/below/it'), 'NO_STORE')
  })

  test('that is missing, and that must not be made', async () => {
    const path = newPath()
    await expectCode(Store.open(path, { create: 'never' }), 'NO_STORE')
    expect(await readdir(parent)).not.toContain(path)
    await mkdir(path)
    await expectCode(Store.open(path, { create: 'never' }), 'NO_STORE')
    expect(await readdir(path)).toEqual([])
  })

  test('that is a store, and that must be new', async () => {
    const path = newPath()
    await (await Store.open(path, { create: 'must' })).close()
    await expectCode(Store.open(path, { create: 'must' }), 'OPTION_MISMATCH')
    await (await Store.open(pathToFileURL(path), { create: 'never' })).close()
  })

  test('with many missing parents is made', async () => {
    const path = join(newPath(), 'a', 'b', 'c')
    await (await Store.open(path)).close()
    expect(await readdir(path)).toContain('control')
  })

  test('whose control is gone is no folder for a new store', async () => {
    const path = newPath()
    const store = await Store.open(path)
    await store.branch('main').commit((edit) => void edit.set('a', 'b'))
    await store.close()
    const control = await readFile(join(path, 'control'))
    await rm(join(path, 'control'))
    for (const create of ['if-missing', 'never', 'must'] as const) {
      await expectCode(Store.open(path, { create }), 'CORRUPT')
    }
    await writeFile(join(path, 'control'), control)
    const again = await Store.open(path)
    expect(new TextDecoder().decode(await again.branch('main').get('a'))).toBe('b')
    await again.close()
  })
})

describe('an option', () => {
  const wrong: readonly [string, unknown][] = [
    ['create', { create: 'always' }],
    ['create', { create: { hash: 'md5' } }],
    ['lock', { lock: { wait: 'soon' } }],
    ['lock', { lock: { wait: -1 } }],
    ['lock', { lock: { wait: Number.NaN } }],
    ['cacheBytes', { cacheBytes: -1 }],
    ['cacheBytes', { cacheBytes: 1.5 }],
    ['cacheBytes', { cacheBytes: Number.POSITIVE_INFINITY }],
    ['durability', { durability: 'eventually' }],
  ]
  test.each(wrong)('%s is refused: %j', async (option, options) => {
    const path = newPath()
    const failure = await Store.open(path, options as WriterOptions).catch((error: unknown) => error)
    expect(failure).toMatchObject({ code: 'OPTION_MISMATCH', details: { option } })
    expect(await readdir(parent)).not.toContain(path.slice(parent.length + 1))
  })

  test('of a collection is refused before anything happens', async () => {
    const store = await openMemory(await emptyDisk())
    for (const grace of ['later', -1, Number.NaN, '5 parsecs']) {
      const failure = await store.gc.run(undefined, { grace: grace as '1s' }).catch((error: unknown) => error)
      expect(failure).toMatchObject({ code: 'OPTION_MISMATCH', details: { option: 'grace' } })
    }
    expect(store.gc.isFinished()).toBe(true)
    await store.close()
  })

  test('signal that has fired already', async () => {
    const signal = AbortSignal.abort(new Error('no time'))
    await expectCode(Store.open(newPath(), { signal }), 'ABORTED')
    const store = await openMemory(await emptyDisk())
    await expectCode(store.gc.run(undefined, { signal }), 'ABORTED')
    await expectCode(store.putBlob('a', { signal }), 'ABORTED')
    await expectCode(
      store.branch('main').commit((edit) => void edit.set('a', 'b'), { signal }),
      'ABORTED',
    )
    await store.close()
  })
})

describe('a hash', () => {
  const texts = [
    '',
    'abc',
    'g'.repeat(64),
    'A'.repeat(64),
    'a'.repeat(63),
    'a'.repeat(65),
    `${'a'.repeat(63)} `,
  ]
  test.each(texts)('%j is none', async (text) => {
    expect(() => parseHash(text, 'blob')).toThrow(expect.objectContaining({ code: 'INVALID_HASH' }))
    const store = await openMemory(await emptyDisk())
    await expectCode(store.getBlob(text as Hash<'blob'>), 'INVALID_HASH')
    await expectCode(store.openBlob(text as Hash<'blob'>), 'INVALID_HASH')
    await expectCode(store.hasBlobs([text as Hash<'blob'>]), 'INVALID_HASH')
    await expectCode(store.getTree(text as Hash<'tree'>), 'INVALID_HASH')
    await expectCode(store.getCommit(text as Hash<'commit'>), 'INVALID_HASH')
    await expectCode(store.branch('main').set(text as Hash<'commit'>), 'INVALID_HASH')
    await expectCode(store.gc.run(text as Hash<'commit'>), 'INVALID_HASH')
    await store.close()
  })

  test('of nothing that the store holds', async () => {
    const store = await openMemory(await emptyDisk())
    const hash = 'a'.repeat(64)
    expect(await store.getBlob(hash as Hash<'blob'>)).toBeUndefined()
    expect(await store.getTree(hash as Hash<'tree'>)).toBeUndefined()
    expect(await store.getCommit(hash as Hash<'commit'>)).toBeUndefined()
    expect(await store.hasBlobs([hash as Hash<'blob'>])).toEqual([false])
    await expectCode(store.branch('main').set(hash as Hash<'commit'>), 'UNKNOWN_COMMIT')
    await expectCode(store.tag('v1').create(hash as Hash<'commit'>), 'UNKNOWN_COMMIT')
    await expectCode(store.log(hash as Hash<'commit'>).toArray(), 'UNKNOWN_COMMIT')
    await store.close()
  })
})

describe('a path', () => {
  const wrong: readonly (string | readonly (string | Uint8Array)[])[] = [
    '/a',
    'a/',
    'a//b',
    '/',
    '.',
    '..',
    'a/./b',
    'a/../b',
    'a\0b',
    ['a/b'],
    ['a', ''],
    ['..'],
    ['a', 'b\0'],
    [Buffer.from('a/b')],
    [Buffer.alloc(0)],
    'x'.repeat(1_024),
    ['é'.repeat(512)],
  ]
  test.each(wrong.map((path) => [path]))('%j is none', async (path) => {
    const store = await openMemory(await emptyDisk())
    const main = store.branch('main')
    await main.commit((edit) => void edit.set('a/b', 'c'))
    const edit = store.emptyTree().edit()
    const tree = (await main.head())?.tree()
    await expectCode(main.get(path), 'INVALID_PATH')
    await expectCode(main.has(path), 'INVALID_PATH')
    await expectCode(main.stat(path), 'INVALID_PATH')
    await expectCode(main.getTree(path), 'INVALID_PATH')
    await expectCode(main.entries(path).toArray(), 'INVALID_PATH')
    await expectCode(main.count(path), 'INVALID_PATH')
    await expectCode(Promise.resolve(tree?.set(path, 'x')), 'INVALID_PATH')
    await expectCode(Promise.resolve(tree?.delete(path)), 'INVALID_PATH')
    expect(() => edit.set(path, 'x')).toThrow(expect.objectContaining({ code: 'INVALID_PATH' }))
    expect(() => edit.delete(path)).toThrow(expect.objectContaining({ code: 'INVALID_PATH' }))
    await expectCode(
      main.commit((changed) => void changed.set(path, 'x')),
      'INVALID_PATH',
    )
    expect((await store.log((await main.head())?.hash as Hash<'commit'>).toArray()).length).toBe(1)
    await store.close()
  })

  test('of 1,023 bytes, and names that only look odd, are fine', async () => {
    const store = await openMemory(await emptyDisk())
    const names = [
      'x'.repeat(1_023),
      '__proto__',
      'constructor',
      '10',
      '9',
      '...',
      ' ',
      '\\',
      'é',
      'e\u0301',
      '\n',
    ]
    await store.branch('main').commit((edit) => {
      for (const name of names) edit.set([name], name)
    })
    for (const name of names) {
      expect(new TextDecoder().decode(await store.branch('main').get([name]))).toBe(name)
    }
    expect(await store.branch('main').count()).toBe(names.length)
    await store.close()
  })
})

describe('the name of a branch or a tag', () => {
  const wrong = [
    '',
    ' ',
    'a b',
    'a~1',
    'a^',
    'a:b',
    'a?',
    'a*',
    'a[b',
    'a\\b',
    '/a',
    'a/',
    'a//b',
    '.a',
    'a/.b',
    'a.lock',
    'a..b',
    'a.',
    'a@{b',
    'a\u0000',
    'a\u007f',
    'x'.repeat(1_001),
  ]
  test.each(wrong)('%j is refused', async (name) => {
    const store = await openMemory(await emptyDisk())
    expect(() => store.branch(name)).toThrow(expect.objectContaining({ code: 'INVALID_PATH' }))
    expect(() => store.tag(name)).toThrow(expect.objectContaining({ code: 'INVALID_PATH' }))
    expect(await store.resolve(name)).toBeUndefined()
    await store.close()
  })
})

describe('content', () => {
  test('that is not what was expected is not kept', async () => {
    const store = await openMemory(await emptyDisk())
    const other = 'b'.repeat(64) as Hash<'blob'>
    await expectCode(store.putBlob('content', { expected: other }), 'DIGEST_MISMATCH')
    await expectCode(store.putBlob('content', { size: 8 }), 'DIGEST_MISMATCH')
    await expectCode(store.putBlob([Buffer.from('content')], { expected: other }), 'DIGEST_MISMATCH')
    await expectCode(store.putBlob([Buffer.from('content')], { size: 6 }), 'DIGEST_MISMATCH')
    const { blob } = store.stats().objects
    expect(blob).toBe(0)
    await store.close()
  })

  test('whose source fails', async () => {
    const store = await openMemory(await emptyDisk())
    async function* source(): AsyncGenerator<Uint8Array> {
      yield Buffer.alloc(600_000, 7)
      throw new RangeError('the source is dry')
    }
    await expect(store.putBlob(source())).rejects.toThrow('the source is dry')
    await store.branch('main').commit((edit) => void edit.set('a', 'still works'))
    await store.close()
  })
})
