import { posix } from 'node:path'
import { assert } from '../../base/index.ts'
import type { FileHandle, FileStat, FileSystem, OpenMode } from '../../fs/index.ts'
import { SeededRandom } from '../seeded-random.ts'
import { systemError } from '../system-error.ts'
import { CowBytes } from './cow-bytes.ts'
import { type CrashKeep, type CrashPlan, type PendingChange, planCrash, type TearUnit } from './crash-fate.ts'
import { type EnumerateOptions, enumerateCrashPlans } from './crash-plans.ts'
import { cloneTree, imageOfTree } from './memory-copy.ts'
import { type FileChange, MemoryFile } from './memory-file.ts'
import { MemoryFolder, type MemoryNode, type NameChange } from './memory-folder.ts'
import { type HandleHost, MemoryHandle } from './memory-handle.ts'
import { findNode, findPlace, namesOf, type Place, walk } from './memory-path.ts'

/** What `freeBytes` says without a quota. */
const unlimitedFreeBytes = 2 ** 40
const firstModifiedMs = 1_700_000_000_000

export interface MemoryFileSystemOptions {
  /**
   * How many bytes all files together may have; the next write takes what fits, then ENOSPC. Default: no
   * limit.
   */
  readonly quotaBytes?: number | undefined
  /** For the times of files. Default: each change is a millisecond after the last one. */
  readonly now?: (() => number) | undefined
}

export interface CrashImageOptions {
  readonly keep: CrashKeep
  readonly seed?: number
  readonly tear?: TearUnit
}

/** One of the states that a crash may leave. */
export interface CrashImage {
  /** For people: what was decided about the changes that no sync had made durable. */
  readonly label: string
  readonly fileSystem: MemoryFileSystem
}

type Unnumbered<T> = T extends unknown ? Omit<T, 'sequence' | 'owner' | 'length' | 'label'> : never

/**
 * A file system in memory that knows what a power cut would leave of it. Syncing a file makes its bytes
 * durable and not its name; syncing a folder makes the names in it durable and not what they name. Everything
 * else is a pending change, and a crash image keeps some of these: stricter than any journal, because any
 * subset may survive.
 *
 * There are no symbolic links. One thread; `origin` is undefined.
 */
export class MemoryFileSystem implements FileSystem {
  readonly origin: undefined = undefined
  #root = new MemoryFolder(1, firstModifiedMs)
  #lastInode = 1
  #sequence = 0
  #quotaBytes: number
  #usedBytes = 0
  readonly #now: () => number
  readonly #handles = new Set<MemoryHandle>()
  readonly #host: HandleHost = {
    write: (file, path, bytes, position) => this.#write(file, { path, bytes, position }),
    truncate: (file, path, size) => this.#truncate(file, path, size),
    release: (handle) => this.#release(handle),
  }

  constructor(options: MemoryFileSystemOptions = {}) {
    this.#quotaBytes = options.quotaBytes ?? Number.POSITIVE_INFINITY
    this.#now = options.now ?? (() => firstModifiedMs + this.#sequence)
  }

  async open(path: string, mode: OpenMode): Promise<FileHandle> {
    await Promise.resolve()
    return this.#openNow(path, mode)
  }

  openSync(path: string, mode: 'read'): FileHandle {
    return this.#openNow(path, mode)
  }

  async readFile(path: string): Promise<Buffer> {
    await Promise.resolve()
    return Buffer.from(this.#file(path, 'open').view())
  }

  async mkdir(path: string): Promise<void> {
    await Promise.resolve()
    let folder = this.#root
    let at = ''
    for (const name of namesOf(path)) {
      at = `${at}/${name}`
      const node = folder.entries.get(name) ?? this.#addFolder(folder, name, at)
      if (node.kind === 'file') {
        throw systemError(at === posix.resolve(path) ? 'EEXIST' : 'ENOTDIR', 'mkdir', path)
      }
      folder = node
    }
  }

  list(path: string): Promise<string[]> {
    return Promise.resolve().then(() => this.listSync(path))
  }

  listSync(path: string): string[] {
    return [...this.#folder(path, 'scandir').entries.keys()].sort()
  }

  async rename(from: string, to: string): Promise<void> {
    await Promise.resolve()
    const source = findPlace(this.#root, from, 'rename')
    const target = findPlace(this.#root, to, 'rename')
    const { node } = source
    if (node === undefined) throw systemError('ENOENT', 'rename', from)
    checkRename(source, target, { from, to })
    // Two names of one file: POSIX leaves both.
    if (target.node === node) return
    const label = `rename ${from} -> ${to}`
    if (source.folder === target.folder) {
      const change = { kind: 'rename', from: source.name, to: target.name, node } as const
      this.#changeNames(source.folder, change, label)
    } else {
      this.#changeNames(target.folder, { kind: 'add', name: target.name, node }, `${label} (new name)`)
      this.#changeNames(source.folder, { kind: 'remove', name: source.name }, `${label} (old name)`)
    }
    if (target.node?.kind === 'file') this.#dropName(target.node)
  }

  async link(from: string, to: string): Promise<void> {
    await Promise.resolve()
    const node = findNode(this.#root, from, 'link')
    if (node === undefined) throw systemError('ENOENT', 'link', from)
    const place = findPlace(this.#root, to, 'link')
    if (place.node !== undefined) throw systemError('EEXIST', 'link', to)
    if (node.kind === 'folder') throw systemError('EPERM', 'link', from)
    node.nameCount++
    this.#changeNames(place.folder, { kind: 'add', name: place.name, node }, `link ${from} -> ${to}`)
  }

  async remove(path: string): Promise<void> {
    await Promise.resolve()
    const { folder, name, node } = findPlace(this.#root, path, 'unlink')
    if (node === undefined) throw systemError('ENOENT', 'unlink', path)
    if (node.kind === 'folder') throw systemError('EISDIR', 'unlink', path)
    this.#removeTree({ folder, name, node }, path)
  }

  async removeFolder(path: string): Promise<void> {
    await Promise.resolve()
    if (findNode(this.#root, path, 'rm') === undefined) return
    this.#removeTree(findPlace(this.#root, path, 'rm'), path)
  }

  async stat(path: string): Promise<FileStat | undefined> {
    await Promise.resolve()
    const node = findNode(this.#root, path, 'stat')
    if (node === undefined) return undefined
    const size = node.kind === 'file' ? node.size : 0
    return { kind: node.kind, size, inode: node.inode, modifiedMs: node.modifiedMs }
  }

  async realPath(path: string): Promise<string> {
    await Promise.resolve()
    if (findNode(this.#root, path, 'realpath') === undefined) throw systemError('ENOENT', 'realpath', path)
    return posix.resolve(path)
  }

  async syncFolder(path: string): Promise<void> {
    await Promise.resolve()
    this.#folder(path, 'open').sync()
  }

  async freeBytes(path: string): Promise<number> {
    await Promise.resolve()
    if (findNode(this.#root, path, 'statfs') === undefined) throw systemError('ENOENT', 'statfs', path)
    return Math.min(unlimitedFreeBytes, Math.max(0, this.#quotaBytes - this.#usedBytes))
  }

  /** Changes the limit: space comes back, or goes. */
  setQuota(quotaBytes: number | undefined): void {
    this.#quotaBytes = quotaBytes ?? Number.POSITIVE_INFINITY
  }

  /** Of all files that have a name or are open. */
  get usedBytes(): number {
    return this.#usedBytes
  }

  /** The paths under which the handles that are still open were opened, for tests of leaks. */
  openHandles(): string[] {
    return [...this.#handles].map((handle) => handle.path).sort()
  }

  /** Every file with its bytes, by path. The bytes are valid until the next change. */
  files(): Map<string, Buffer> {
    const files = new Map<string, Buffer>()
    for (const [path, node] of walk(this.#root)) if (node.kind === 'file') files.set(path, node.view())
    return files
  }

  /** The paths of all folders but the root. */
  folders(): string[] {
    return [...walk(this.#root)].filter(([, node]) => node.kind === 'folder').map(([path]) => path)
  }

  /** Makes a file's bytes what the function makes of them, durable at once: what a faulty disk does. */
  damage(path: string, change: (bytes: Buffer) => Buffer): void {
    const file = this.#file(path, 'damage')
    const bytes = change(Buffer.from(file.view()))
    this.#usedBytes += bytes.length - file.size
    file.replace(bytes)
  }

  /**
   * A file's unsynced bytes go on being read, and no sync ever makes them durable: what some systems make
   * of a sync that has failed.
   */
  loseUnsynced(path: string): void {
    this.#file(path, 'loseUnsynced').loseUnsynced()
  }

  /** The changes that no sync has made durable, in their order. */
  pendingChanges(): PendingChange[] {
    const changes: PendingChange[] = []
    const seen = new Set<MemoryNode>()
    const visit = (node: MemoryNode): void => {
      if (seen.has(node)) return
      seen.add(node)
      changes.push(...node.changes)
      if (node.kind === 'file') return
      for (const child of node.entries.values()) visit(child)
      for (const child of node.unsyncedNodes()) visit(child)
    }
    visit(this.#root)
    return changes.sort((a, b) => a.sequence - b.sequence)
  }

  /** What a crash now would leave, by the plan: a new file system, with nothing pending. This one goes on. */
  imageByPlan(plan: CrashPlan): MemoryFileSystem {
    const image = this.#empty()
    image.#adopt(imageOfTree(this.#root, plan))
    return image
  }

  /** What a crash now would leave. The same seed leaves the same. */
  crashImage({ keep, seed = 1, tear = 'none' }: CrashImageOptions): MemoryFileSystem {
    const random = new SeededRandom(seed)
    return this.imageByPlan(planCrash(this.pendingChanges(), { keep, random, tear }))
  }

  /**
   * Up to `limit` different plans of what a crash now would leave: every subset of the pending changes if
   * there are few, else none, all, each prefix, all but one, only one, whole files and folders, then random
   * ones with tears.
   */
  *crashImages(limit: number, options: EnumerateOptions = {}): Generator<CrashImage> {
    for (const { label, plan } of enumerateCrashPlans(this.pendingChanges(), limit, options)) {
      yield { label, fileSystem: this.imageByPlan(plan) }
    }
  }

  /** An independent copy, pending changes included; no handle is open on it. */
  clone(): MemoryFileSystem {
    const copy = this.#empty()
    copy.#adopt(cloneTree(this.#root))
    return copy
  }

  #empty(): MemoryFileSystem {
    const quotaBytes = Number.isFinite(this.#quotaBytes) ? this.#quotaBytes : undefined
    const other = new MemoryFileSystem({ quotaBytes })
    other.#lastInode = this.#lastInode
    other.#sequence = this.#sequence
    return other
  }

  #adopt(root: MemoryFolder): void {
    this.#root = root
    const seen = new Set<MemoryFile>()
    for (const [, node] of walk(root)) {
      if (node.kind === 'folder') continue
      node.nameCount++
      if (!seen.has(node)) this.#usedBytes += node.size
      seen.add(node)
    }
  }

  #openNow(path: string, mode: OpenMode): FileHandle {
    const file = mode === 'create' ? this.#createFile(path) : this.#file(path, 'open')
    file.handleCount++
    const handle = new MemoryHandle(this.#host, file, { path, mode })
    this.#handles.add(handle)
    return handle
  }

  #createFile(path: string): MemoryFile {
    const { folder, name, node } = findPlace(this.#root, path, 'open')
    if (node !== undefined) throw systemError('EEXIST', 'open', path)
    const file = new MemoryFile(++this.#lastInode, this.#now(), new CowBytes())
    file.nameCount = 1
    this.#changeNames(folder, { kind: 'add', name, node: file }, `create ${path}`)
    return file
  }

  #addFolder(parent: MemoryFolder, name: string, path: string): MemoryFolder {
    const folder = new MemoryFolder(++this.#lastInode, this.#now())
    this.#changeNames(parent, { kind: 'add', name, node: folder }, `mkdir ${path}`)
    return folder
  }

  #removeTree({ folder, name, node }: Place, path: string): void {
    if (node?.kind === 'folder') {
      for (const [child, childNode] of [...node.entries]) {
        this.#removeTree({ folder: node, name: child, node: childNode }, `${path}/${child}`)
      }
    }
    this.#changeNames(folder, { kind: 'remove', name }, `remove ${path}`)
    if (node?.kind === 'file') this.#dropName(node)
  }

  #file(path: string, call: string): MemoryFile {
    const node = findNode(this.#root, path, call)
    if (node === undefined) throw systemError('ENOENT', call, path)
    if (node.kind === 'folder') throw systemError('EISDIR', call, path)
    return node
  }

  #folder(path: string, call: string): MemoryFolder {
    const node = findNode(this.#root, path, call)
    if (node === undefined) throw systemError('ENOENT', call, path)
    if (node.kind === 'file') throw systemError('ENOTDIR', call, path)
    return node
  }

  #write(file: MemoryFile, { path, bytes, position }: Transfer): number {
    const room = this.#quotaBytes - this.#usedBytes
    const length = Math.min(bytes.length, Math.max(0, file.size + room - position))
    if (length <= 0) throw systemError('ENOSPC', 'write', path)
    const written = bytes.subarray(0, length)
    this.#changeBytes(
      file,
      { kind: 'write', position, bytes: written },
      `write ${path} @${position}+${length}`,
    )
    return length
  }

  #truncate(file: MemoryFile, path: string, size: number): void {
    if (size - file.size > this.#quotaBytes - this.#usedBytes) throw systemError('ENOSPC', 'ftruncate', path)
    this.#changeBytes(file, { kind: 'truncate', size }, `truncate ${path} to ${size}`)
  }

  #changeBytes(file: MemoryFile, change: Unnumbered<FileChange>, label: string): void {
    const before = file.size
    const length = change.kind === 'write' ? change.bytes.length : 0
    file.change({ ...change, sequence: ++this.#sequence, owner: file.inode, length, label }, this.#now())
    this.#usedBytes += file.size - before
  }

  #changeNames(folder: MemoryFolder, change: Unnumbered<NameChange>, label: string): void {
    const numbered = { ...change, sequence: ++this.#sequence, owner: folder.inode, length: 0, label }
    folder.change(numbered, this.#now())
  }

  #dropName(file: MemoryFile): void {
    assert(file.nameCount > 0, 'a file whose name goes had one')
    file.nameCount--
    this.#forgetIfUnused(file)
  }

  #release(handle: MemoryHandle): void {
    this.#handles.delete(handle)
    handle.file.handleCount--
    this.#forgetIfUnused(handle.file)
  }

  #forgetIfUnused(file: MemoryFile): void {
    if (file.nameCount === 0 && file.handleCount === 0) this.#usedBytes -= file.size
  }
}

interface Transfer {
  readonly path: string
  readonly bytes: Buffer
  readonly position: number
}

function checkRename(source: Place, target: Place, { from, to }: { from: string; to: string }): void {
  if (source.node?.kind === 'folder') {
    if (`${posix.resolve(to)}/`.startsWith(`${posix.resolve(from)}/`) && source.node !== target.node) {
      throw systemError('EINVAL', 'rename', from)
    }
    if (target.node?.kind === 'file') throw systemError('ENOTDIR', 'rename', to)
    const isFull = target.node !== undefined && target.node !== source.node && target.node.entries.size > 0
    if (isFull) throw systemError('ENOTEMPTY', 'rename', to)
  } else if (target.node?.kind === 'folder') {
    // Linux looks first whether the one that is to go holds the other.
    const isAbove = posix.resolve(from).startsWith(`${posix.resolve(to)}/`)
    throw systemError(isAbove ? 'ENOTEMPTY' : 'EISDIR', 'rename', to)
  }
}
