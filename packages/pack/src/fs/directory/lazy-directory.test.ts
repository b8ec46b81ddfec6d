/**
 * The suite of Buildbarn's `LazyDirectory`, 14 cases with their names, as far as a folder here has the call:
 * folders below are reached by names such as `a/b`, so to enter one is to open a file in it. There is no call
 * for the links that `Readlink` and `Symlink` are about, nor for what `RemoveAllChildren` does: no file of a
 * store is a link, and no folder is emptied and kept. Then what that suite leaves out.
 */
import { describe, expect, it } from 'vitest'
import { VarveError } from '../../errors/index.ts'
import { MemoryFileSystem } from '../../testing/index.ts'
import type { Directory, DirectoryOpener, OpenDirectory } from './directory.ts'
import { FolderOpener } from './folder-opener.ts'
import { LazyDirectory } from './lazy-directory.ts'

/** What was done to a folder, in order: `open`, the call with its arguments, `close`. */
class RecordingOpener implements DirectoryOpener {
  readonly path = '/mount/build'
  readonly log: unknown[][] = []
  answer: unknown
  failure: Error | undefined
  openFailures: (Error | undefined)[] = []
  closeFailure: Error | undefined

  async open(): Promise<OpenDirectory> {
    return this.openSync()
  }

  openSync(): OpenDirectory {
    this.log.push(['open'])
    const failure = this.openFailures.shift()
    if (failure !== undefined) throw failure
    const call =
      (name: string) =>
      (...given: unknown[]): unknown => {
        this.log.push([name, ...given])
        if (name === 'close' || name === 'closeSync') {
          if (this.closeFailure !== undefined) throw this.closeFailure
          return name === 'close' ? Promise.resolve() : undefined
        }
        if (this.failure !== undefined) throw this.failure
        return name === 'openSync' ? this.answer : Promise.resolve(this.answer)
      }
    const names = [
      ...['open', 'openSync', 'readFile', 'mkdir', 'list', 'rename', 'link', 'remove', 'removeFolder'],
      ...['stat', 'sync', 'freeBytes', 'close', 'closeSync'],
    ]
    const calls = Object.fromEntries(names.map((name) => [name, call(name)]))
    return { path: this.path, ...calls } as unknown as OpenDirectory
  }
}

function systemFailure(code: string, message: string): Error {
  return Object.assign(new Error(message), { code, syscall: 'open' })
}

type Call = (directory: Directory) => unknown

const answer = { the: 'answer' }
const calls: readonly [name: string, call: Call, passed: unknown[], answer: unknown][] = [
  [
    'open of a file in a folder below (EnterSuccess)',
    (d) => d.open('a/b', 'write'),
    ['open', 'a/b', 'write'],
    answer,
  ],
  ['open to read (OpenRead)', (d) => d.open('a', 'read'), ['open', 'a', 'read'], answer],
  ['open to create', (d) => d.open('a', 'create'), ['open', 'a', 'create'], answer],
  ['openSync', (d) => d.openSync('a', 'read'), ['openSync', 'a', 'read'], answer],
  ['readFile', (d) => d.readFile('a'), ['readFile', 'a'], answer],
  ['mkdir (Mkdir)', (d) => d.mkdir('a'), ['mkdir', 'a'], undefined],
  ['list (ReadDir)', (d) => d.list(), ['list', undefined], ['directory', 'file']],
  ['list of a folder', (d) => d.list('a'), ['list', 'a'], ['directory', 'file']],
  ['rename (Rename)', (d) => d.rename('a', 'b'), ['rename', 'a', 'b'], undefined],
  ['link (Link)', (d) => d.link('/upper/a', 'b'), ['link', '/upper/a', 'b'], undefined],
  ['remove (Remove)', (d) => d.remove('a'), ['remove', 'a'], undefined],
  ['removeFolder (RemoveAll)', (d) => d.removeFolder('a'), ['removeFolder', 'a'], undefined],
  ['stat (Lstat)', (d) => d.stat('a'), ['stat', 'a'], answer],
  ['sync (Sync)', (d) => d.sync(), ['sync', undefined], undefined],
  ['sync of a folder', (d) => d.sync('a'), ['sync', 'a'], undefined],
  ['freeBytes', (d) => d.freeBytes(), ['freeBytes'], 17],
]

describe('a lazy directory', () => {
  it('opens nothing when it is made', () => {
    const opener = new RecordingOpener()
    expect(new LazyDirectory(opener).path).toBe('/mount/build')
    expect(opener.log).toEqual([])
  })

  it.each(calls)(
    'passes %s on: one opening, the very call, one closing',
    async (name, call, passed, given) => {
      const opener = new RecordingOpener()
      opener.answer = given
      expect(await call(new LazyDirectory(opener))).toBe(given)
      const closing = name === 'openSync' ? 'closeSync' : 'close'
      expect(opener.log).toEqual([['open'], passed, [closing]])
    },
  )

  it.each(calls)(
    'says of %s that the layer is away, whatever is in the way (EnterFailure)',
    async (_, call) => {
      for (const code of ['ENOENT', 'EACCES', 'ENOTDIR', 'EIO', 'ESTALE']) {
        const opener = new RecordingOpener()
        const cause = systemFailure(code, 'not allowed to access build directory')
        opener.openFailures = [cause]
        const failure = await outcome(call, opener)
        expect(failure).toMatchObject({ code: 'LOWER_UNAVAILABLE', details: { path: '/mount/build' }, cause })
        expect((failure as Error).message).toContain('not allowed to access build directory')
        expect(opener.log, 'nothing to close').toEqual([['open']])
      }
    },
  )

  it.each(calls)('passes the failure of %s itself on unchanged, and closes', async (name, call) => {
    const opener = new RecordingOpener()
    opener.failure = systemFailure('ENOENT', 'no such file')
    expect(await outcome(call, opener)).toBe(opener.failure)
    const bare = opener.log.filter((entry) => entry.length === 1).map(([kind]) => kind)
    const closing = name === 'openSync' ? 'closeSync' : 'close'
    expect(bare.filter((kind) => kind === 'open')).toHaveLength(2)
    expect(bare.filter((kind) => kind === closing)).toHaveLength(2)
  })

  it.each(calls)(
    'takes no failure of %s for an answer when the folder has gone meanwhile',
    async (_, call) => {
      const opener = new RecordingOpener()
      opener.failure = systemFailure('ENOENT', 'no such file')
      opener.openFailures = [undefined, systemFailure('ENOENT', 'no such folder')]
      expect(await outcome(call, opener)).toMatchObject({ code: 'LOWER_UNAVAILABLE' })
    },
  )

  it.each(calls)('gives the answer of %s although closing fails', async (_, call, __, given) => {
    const opener = new RecordingOpener()
    opener.answer = given
    opener.closeFailure = systemFailure('EIO', 'closing failed')
    expect(await call(new LazyDirectory(opener))).toBe(given)
  })

  it('says "not there" only of a folder that still is', async () => {
    const opener = new RecordingOpener()
    opener.openFailures = [undefined, systemFailure('ENOENT', 'no such folder')]
    const gone = await outcome((directory) => directory.stat('a'), opener)
    expect(gone).toMatchObject({ code: 'LOWER_UNAVAILABLE' })
    expect(await new LazyDirectory(opener).stat('a')).toBeUndefined()
  })

  it('works again when the folder is back', async () => {
    const opener = new RecordingOpener()
    opener.openFailures = [systemFailure('ENOENT', 'away')]
    opener.answer = answer
    const directory = new LazyDirectory(opener)
    await expect(directory.readFile('a')).rejects.toMatchObject({ code: 'LOWER_UNAVAILABLE' })
    expect(await directory.readFile('a')).toBe(answer)
  })

  it('is reached over a file system whose folder goes and comes, and holds no handle', async () => {
    const disk = new MemoryFileSystem()
    await disk.mkdir('/lower')
    const directory = new LazyDirectory(new FolderOpener(disk, '/lower'))
    await directory.mkdir('volume-1')
    const handle = await directory.open('volume-1/x', 'create')
    await handle.close()
    expect(await directory.list('volume-1')).toEqual(['x'])
    await disk.rename('/lower', '/away')
    for (const call of calls) {
      expect(await outcome(call[1], directory)).toMatchObject({ code: 'LOWER_UNAVAILABLE' })
    }
    await disk.rename('/away', '/lower')
    expect(await directory.stat('volume-1/x')).toMatchObject({ kind: 'file' })
    expect(await directory.stat('volume-1/y')).toBeUndefined()
    await expect(directory.readFile('volume-1/y')).rejects.toMatchObject({ code: 'ENOENT' })
    expect(disk.openHandles()).toEqual([])
  })
})

async function outcome(call: Call, on: DirectoryOpener | LazyDirectory): Promise<unknown> {
  const directory = on instanceof LazyDirectory ? on : new LazyDirectory(on)
  try {
    return await call(directory)
  } catch (error) {
    expect(error instanceof Error || VarveError.is(error)).toBe(true)
    return error
  }
}
