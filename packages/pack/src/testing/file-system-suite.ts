import { deepStrictEqual, equal, notEqual, ok, rejects, throws } from 'node:assert/strict'
import { join } from 'node:path'
import { AssertionFailed } from '../base/index.ts'
import { type FileSystem, readFully, writeFully } from '../fs/index.ts'

/** One promise of the seam. `root` is an empty folder of its own. */
export interface FileSystemCase {
  readonly name: string
  run(fileSystem: FileSystem, root: string): Promise<void>
}

/** What every file system must do, as cases for any test runner. */
export const fileSystemSuite: readonly FileSystemCase[] = [
  { name: 'reads back what was written', run: readsBack },
  { name: 'reads short only at the end of the file', run: readsShortAtEnd },
  { name: 'fills a gap and a longer size with zeros', run: fillsWithZeros },
  { name: 'cuts a file, and shows zeros when it grows again', run: cutsAndGrows },
  { name: 'awaits and does not await with the same result', run: bothForms },
  { name: 'creates only new files', run: createsOnlyNew },
  { name: 'refuses to write through a handle for reading', run: readOnlyHandle },
  { name: 'says ENOENT for what is missing', run: saysMissing },
  { name: 'says what a name stands for', run: stats },
  { name: 'makes folders with their parents', run: makesFolders },
  { name: 'lists names in order', run: lists },
  { name: 'renames over another file and keeps the inode', run: renamesOver },
  { name: 'keeps what is open readable after its name is gone', run: readsUnlinked },
  { name: 'gives one file two names', run: links },
  { name: 'leaves both names when one file is renamed to the other', run: renamesToItself },
  { name: 'does not rename between files and folders', run: renamesKinds },
  { name: 'removes files and folders each by their call', run: removes },
  { name: 'resolves dots in a path', run: resolvesDots },
  { name: 'closes once, and refuses a handle that is closed', run: closes },
  { name: 'finishes the calls under way before it closes', run: closesAfterCalls },
  { name: 'syncs files and folders', run: syncs },
  { name: 'knows how much space is left', run: knowsSpace },
]

async function readsBack(fileSystem: FileSystem, root: string): Promise<void> {
  const path = join(root, 'a')
  const bytes = patterned(100_000)
  const handle = await fileSystem.open(path, 'create')
  await writeFully(handle, bytes, 10, 90_000, 5)
  await handle.close()
  const whole = await fileSystem.readFile(path)
  equal(whole.length, 90_005)
  ok(whole.subarray(5).equals(bytes.subarray(10, 90_010)))
  const again = await fileSystem.open(path, 'write')
  await writeFully(again, Buffer.from('xyz'), 0, 3, 7)
  const target = Buffer.alloc(9, 1)
  equal(await readFully(again, target, 2, 5, 6), 5)
  deepStrictEqual([...target], [1, 1, bytes[11], 120, 121, 122, bytes[15], 1, 1])
  await again.close()
}

async function readsShortAtEnd(fileSystem: FileSystem, root: string): Promise<void> {
  const path = await make(fileSystem, join(root, 'a'), 'hello')
  const handle = await fileSystem.open(path, 'read')
  const target = Buffer.alloc(10)
  equal(await handle.read(target, 0, 10, 2), 3)
  equal(handle.readSync(target, 0, 10, 4), 1)
  equal(handle.readSync(target, 0, 10, 5), 0)
  equal(await handle.read(target, 0, 10, 5_000), 0)
  equal(await handle.read(target, 0, 0, 0), 0)
  await handle.close()
}

async function fillsWithZeros(fileSystem: FileSystem, root: string): Promise<void> {
  const path = join(root, 'a')
  const handle = await fileSystem.open(path, 'create')
  handle.writeSync(Buffer.from('ab'), 0, 2, 4)
  await handle.truncate(8)
  equal(await handle.size(), 8)
  equal(handle.sizeSync(), 8)
  await handle.close()
  deepStrictEqual([...(await fileSystem.readFile(path))], [0, 0, 0, 0, 97, 98, 0, 0])
}

async function cutsAndGrows(fileSystem: FileSystem, root: string): Promise<void> {
  const path = await make(fileSystem, join(root, 'a'), 'abcdefgh')
  const handle = await fileSystem.open(path, 'write')
  await handle.truncate(2)
  await handle.truncate(4)
  handle.writeSync(Buffer.from('z'), 0, 1, 5)
  await handle.close()
  deepStrictEqual([...(await fileSystem.readFile(path))], [97, 98, 0, 0, 0, 122])
}

async function bothForms(fileSystem: FileSystem, root: string): Promise<void> {
  const path = await make(fileSystem, join(root, 'a'), '')
  const handle = await fileSystem.open(path, 'write')
  equal(handle.writeSync(Buffer.from('one'), 0, 3, 0), 3)
  equal(await handle.write(Buffer.from('two'), 0, 3, 3), 3)
  equal(await handle.write(Buffer.alloc(0), 0, 0, 100), 0)
  const reader = fileSystem.openSync(path, 'read')
  const target = Buffer.alloc(6)
  equal(reader.readSync(target, 0, 6, 0), 6)
  equal(target.toString(), 'onetwo')
  equal(reader.sizeSync(), 6)
  reader.closeSync()
  handle.closeSync()
}

async function createsOnlyNew(fileSystem: FileSystem, root: string): Promise<void> {
  const path = await make(fileSystem, join(root, 'a'), 'old')
  await rejects(fileSystem.open(path, 'create'), { code: 'EEXIST' })
  equal((await fileSystem.readFile(path)).toString(), 'old')
  await rejects(fileSystem.open(join(root, 'none', 'a'), 'create'), { code: 'ENOENT' })
  await rejects(fileSystem.open(join(path, 'b'), 'create'), { code: 'ENOTDIR' })
  await rejects(fileSystem.open(root, 'write'), { code: 'EISDIR' })
}

async function readOnlyHandle(fileSystem: FileSystem, root: string): Promise<void> {
  const path = await make(fileSystem, join(root, 'a'), 'old')
  const handle = await fileSystem.open(path, 'read')
  throws(() => handle.writeSync(Buffer.from('x'), 0, 1, 0), { code: 'EBADF' })
  await rejects(handle.write(Buffer.from('x'), 0, 1, 0), { code: 'EBADF' })
  await rejects(handle.truncate(0), { code: 'EINVAL' })
  await handle.close()
  equal((await fileSystem.readFile(path)).toString(), 'old')
}

async function saysMissing(fileSystem: FileSystem, root: string): Promise<void> {
  const path = join(root, 'none')
  const missing = { code: 'ENOENT' }
  await rejects(fileSystem.open(path, 'read'), missing)
  await rejects(fileSystem.open(path, 'write'), missing)
  throws(() => fileSystem.openSync(path, 'read'), missing)
  await rejects(fileSystem.readFile(path), missing)
  await rejects(fileSystem.list(path), missing)
  await rejects(fileSystem.remove(path), missing)
  await rejects(fileSystem.rename(path, join(root, 'other')), missing)
  await rejects(fileSystem.link(path, join(root, 'other')), missing)
  await rejects(fileSystem.realPath(path), missing)
  await rejects(fileSystem.syncFolder(path), missing)
  equal(await fileSystem.stat(path), undefined)
  equal(await fileSystem.stat(join(path, 'below')), undefined)
}

async function stats(fileSystem: FileSystem, root: string): Promise<void> {
  const path = await make(fileSystem, join(root, 'a'), 'hello')
  const file = await fileSystem.stat(path)
  equal(file?.kind, 'file')
  equal(file?.size, 5)
  const folder = await fileSystem.stat(root)
  equal(folder?.kind, 'folder')
  notEqual(file?.inode, folder?.inode)
  ok((file?.modifiedMs ?? 0) > 0)
  await rejects(fileSystem.stat(join(path, 'below')), { code: 'ENOTDIR' })
}

async function makesFolders(fileSystem: FileSystem, root: string): Promise<void> {
  const path = join(root, 'a', 'b', 'c')
  await fileSystem.mkdir(path)
  await fileSystem.mkdir(path)
  equal((await fileSystem.stat(path))?.kind, 'folder')
  const file = await make(fileSystem, join(path, 'file'), '')
  await rejects(fileSystem.mkdir(file), { code: 'EEXIST' })
  await rejects(fileSystem.mkdir(join(file, 'below')), { code: 'ENOTDIR' })
}

async function lists(fileSystem: FileSystem, root: string): Promise<void> {
  for (const name of ['b', 'a', 'B', 'ä', '10', '9', '__proto__'])
    await make(fileSystem, join(root, name), '')
  await fileSystem.mkdir(join(root, 'folder'))
  deepStrictEqual(await fileSystem.list(root), ['10', '9', 'B', '__proto__', 'a', 'b', 'folder', 'ä'])
  deepStrictEqual(fileSystem.listSync(root), await fileSystem.list(root))
  for (const missing of ['a', 'nothing']) {
    const code = missing === 'a' ? 'ENOTDIR' : 'ENOENT'
    await rejects(fileSystem.list(join(root, missing)), { code })
    throws(() => fileSystem.listSync(join(root, missing)), { code })
  }
}

async function renamesOver(fileSystem: FileSystem, root: string): Promise<void> {
  const from = await make(fileSystem, join(root, 'from'), 'new')
  const to = await make(fileSystem, join(root, 'to'), 'old')
  const inode = (await fileSystem.stat(from))?.inode
  await fileSystem.rename(from, to)
  deepStrictEqual(await fileSystem.list(root), ['to'])
  equal((await fileSystem.readFile(to)).toString(), 'new')
  equal((await fileSystem.stat(to))?.inode, inode)
  await fileSystem.mkdir(join(root, 'folder'))
  await fileSystem.rename(to, join(root, 'folder', 'moved'))
  deepStrictEqual(await fileSystem.list(join(root, 'folder')), ['moved'])
  deepStrictEqual(await fileSystem.list(root), ['folder'])
}

async function readsUnlinked(fileSystem: FileSystem, root: string): Promise<void> {
  const path = await make(fileSystem, join(root, 'a'), 'hello')
  const handle = await fileSystem.open(path, 'write')
  await fileSystem.remove(path)
  await make(fileSystem, path, 'other')
  const target = Buffer.alloc(5)
  equal(handle.readSync(target, 0, 5, 0), 5)
  equal(target.toString(), 'hello')
  handle.writeSync(Buffer.from('J'), 0, 1, 0)
  await handle.close()
  equal((await fileSystem.readFile(path)).toString(), 'other')
}

async function links(fileSystem: FileSystem, root: string): Promise<void> {
  const path = await make(fileSystem, join(root, 'a'), 'hello')
  const second = join(root, 'b')
  await fileSystem.link(path, second)
  equal((await fileSystem.stat(path))?.inode, (await fileSystem.stat(second))?.inode)
  await rejects(fileSystem.link(path, second), { code: 'EEXIST' })
  await fileSystem.remove(path)
  equal((await fileSystem.readFile(second)).toString(), 'hello')
  await rejects(fileSystem.link(root, join(root, 'c')), { code: 'EPERM' })
}

async function renamesToItself(fileSystem: FileSystem, root: string): Promise<void> {
  const path = await make(fileSystem, join(root, 'a'), 'hello')
  await fileSystem.link(path, join(root, 'b'))
  await fileSystem.rename(path, join(root, 'b'))
  await fileSystem.rename(path, path)
  deepStrictEqual(await fileSystem.list(root), ['a', 'b'])
}

async function renamesKinds(fileSystem: FileSystem, root: string): Promise<void> {
  const file = await make(fileSystem, join(root, 'file'), '')
  const full = join(root, 'full')
  const empty = join(root, 'empty')
  await fileSystem.mkdir(join(full, 'below'))
  await fileSystem.mkdir(empty)
  await rejects(fileSystem.rename(file, empty), { code: 'EISDIR' })
  await rejects(fileSystem.rename(empty, file), { code: 'ENOTDIR' })
  await rejects(fileSystem.rename(empty, full), { code: 'ENOTEMPTY' })
  await rejects(fileSystem.rename(full, join(full, 'below', 'deeper')), { code: 'EINVAL' })
  await fileSystem.rename(full, empty)
  deepStrictEqual(await fileSystem.list(root), ['empty', 'file'])
  deepStrictEqual(await fileSystem.list(empty), ['below'])
}

async function removes(fileSystem: FileSystem, root: string): Promise<void> {
  const folder = join(root, 'folder')
  await fileSystem.mkdir(join(folder, 'below'))
  await make(fileSystem, join(folder, 'below', 'file'), 'x')
  const file = await make(fileSystem, join(root, 'file'), 'x')
  await rejects(fileSystem.remove(folder), { code: 'EISDIR' })
  await fileSystem.removeFolder(folder)
  await fileSystem.removeFolder(folder)
  await fileSystem.remove(file)
  deepStrictEqual(await fileSystem.list(root), [])
}

async function resolvesDots(fileSystem: FileSystem, root: string): Promise<void> {
  const path = await make(fileSystem, join(root, 'a'), 'x')
  const real = await fileSystem.realPath(root)
  equal(await fileSystem.realPath(`${root}/././../${root.split('/').pop() ?? ''}/a`), join(real, 'a'))
  equal(await fileSystem.realPath(path), join(real, 'a'))
}

async function closes(fileSystem: FileSystem, root: string): Promise<void> {
  const handle = await fileSystem.open(join(root, 'a'), 'create')
  await handle.close()
  await handle.close()
  handle.closeSync()
  throws(() => handle.readSync(Buffer.alloc(1), 0, 1, 0), AssertionFailed)
  await rejects(handle.read(Buffer.alloc(1), 0, 1, 0), AssertionFailed)
  await rejects(handle.sync(), AssertionFailed)
  const other = await fileSystem.open(join(root, 'a'), 'read')
  other.closeSync()
  other.closeSync()
  await other.close()
  throws(() => other.sizeSync(), AssertionFailed)
}

async function closesAfterCalls(fileSystem: FileSystem, root: string): Promise<void> {
  const path = await make(fileSystem, join(root, 'a'), 'hello')
  const handle = await fileSystem.open(path, 'read')
  const target = Buffer.alloc(5)
  const reading = handle.read(target, 0, 5, 0)
  await handle.close()
  equal(await reading, 5)
  equal(target.toString(), 'hello')
}

async function syncs(fileSystem: FileSystem, root: string): Promise<void> {
  const handle = await fileSystem.open(join(root, 'a'), 'create')
  await writeFully(handle, Buffer.from('hello'), 0, 5, 0)
  await handle.datasync()
  await handle.sync()
  await handle.close()
  await fileSystem.syncFolder(root)
  equal((await fileSystem.readFile(join(root, 'a'))).toString(), 'hello')
}

async function knowsSpace(fileSystem: FileSystem, root: string): Promise<void> {
  ok((await fileSystem.freeBytes(root)) > 0)
  await rejects(fileSystem.freeBytes(join(root, 'none')), { code: 'ENOENT' })
}

async function make(fileSystem: FileSystem, path: string, text: string): Promise<string> {
  const handle = await fileSystem.open(path, 'create')
  const bytes = Buffer.from(text)
  await writeFully(handle, bytes, 0, bytes.length, 0)
  await handle.close()
  return path
}

function patterned(length: number): Buffer {
  const bytes = Buffer.alloc(length)
  for (let i = 0; i < length; i++) bytes[i] = (i * 31 + (i >>> 8)) % 251
  return bytes
}
