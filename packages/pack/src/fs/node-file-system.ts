import {
  close,
  fsync,
  link,
  mkdir,
  open,
  openSync,
  readdir,
  readdirSync,
  readFile,
  realpath,
  rename,
  rm,
  type Stats,
  stat,
  statfs,
  unlink,
  watch,
} from 'node:fs'
import { dirname } from 'node:path'
import { promisify } from 'node:util'
import type { FileHandle } from './file-handle.ts'
import type { FileStat } from './file-stat.ts'
import type { FileSystem, FileSystemOrigin, OpenMode } from './file-system.ts'
import { hasCode } from './has-code.ts'
import { NodeFileHandle } from './node-file-handle.ts'

/** Where another thread finds `createFileSystem` of this room. */
export const nodeFileSystemModule = '@varve/pack/fs'

const flagsOf = { read: 'r', write: 'r+', create: 'wx+' } as const
/** Nobody else reads a store; the process's umask can only take away more. */
const fileRights = 0o600
const folderRights = 0o700

const closeFile = promisify(close)
const fsyncFile = promisify(fsync)
const linkFile = promisify(link)
const makeFolder = promisify(mkdir)
const openFile = promisify(open)
const readFolder = promisify(readdir)
const readWhole = promisify(readFile)
// The native one: the other walks the path with one `lstat` per part.
const resolveLinks = promisify(realpath.native)
const renameFile = promisify(rename)
const removeTree = promisify(rm)
const statFile = promisify(stat)
const statDisk = promisify(statfs)
const unlinkFile = promisify(unlink)

/**
 * The disk, through Node. Callbacks over bare descriptors, promisified: an awaited read takes about half the
 * time of one through Node's own promise handles.
 */
export class NodeFileSystem implements FileSystem {
  readonly origin: FileSystemOrigin = { module: nodeFileSystemModule, options: {} }

  async open(path: string, mode: OpenMode): Promise<FileHandle> {
    return new NodeFileHandle(await openFile(path, flagsOf[mode], fileRights))
  }

  openSync(path: string, mode: 'read'): FileHandle {
    return new NodeFileHandle(openSync(path, flagsOf[mode]))
  }

  async readFile(path: string): Promise<Buffer> {
    return readWhole(path)
  }

  /**
   * One by one: asked for several at once, Node.js tells of a read-only disk as of a missing folder, and
   * tries for ever in a file system that lets no folder be made, such as /proc.
   */
  async mkdir(path: string): Promise<void> {
    const missing: string[] = []
    let top = path
    let found = await this.stat(top)
    for (; found === undefined && dirname(top) !== top; found = await this.stat(top)) {
      missing.push(top)
      top = dirname(top)
    }
    // The system says what is wrong with a file in the folder's place.
    if (missing.length === 0 && found?.kind !== 'folder') missing.push(path)
    for (const folder of missing.toReversed()) {
      try {
        await makeFolder(folder, { mode: folderRights })
      } catch (error) {
        // Somebody may have made it meanwhile.
        const isThere = hasCode(error, 'EEXIST') && (await this.stat(folder))?.kind === 'folder'
        if (!isThere) throw error
      }
    }
  }

  async list(path: string): Promise<string[]> {
    return (await readFolder(path)).sort()
  }

  listSync(path: string): string[] {
    return readdirSync(path).sort()
  }

  async rename(from: string, to: string): Promise<void> {
    await renameFile(from, to)
  }

  async link(from: string, to: string): Promise<void> {
    await linkFile(from, to)
  }

  async remove(path: string): Promise<void> {
    await unlinkFile(path)
  }

  async removeFolder(path: string): Promise<void> {
    await removeTree(path, { recursive: true, force: true })
  }

  async stat(path: string): Promise<FileStat | undefined> {
    try {
      const stats = await statFile(path)
      return { kind: kindOf(stats), size: stats.size, inode: stats.ino, modifiedMs: stats.mtimeMs }
    } catch (error) {
      if (hasCode(error, 'ENOENT')) return undefined
      throw error
    }
  }

  async realPath(path: string): Promise<string> {
    return resolveLinks(path)
  }

  async syncFolder(path: string): Promise<void> {
    const descriptor = await openFile(path, 'r')
    try {
      await fsyncFile(descriptor)
    } finally {
      await closeFile(descriptor)
    }
  }

  watch(folder: string, onChange: () => void): (() => void) | undefined {
    try {
      const watcher = watch(folder, { persistent: false }, () => onChange())
      // Out of watches, or the folder is gone.
      watcher.on('error', () => watcher.close())
      return () => watcher.close()
    } catch {
      return undefined
    }
  }

  async freeBytes(path: string): Promise<number> {
    const disk = await statDisk(path)
    return disk.bavail * disk.bsize
  }
}

/** What {@link FileSystemOrigin} promises of this module. */
export function createFileSystem(_options: unknown): FileSystem {
  return new NodeFileSystem()
}

function kindOf(stats: Stats): FileStat['kind'] {
  if (stats.isFile()) return 'file'
  return stats.isDirectory() ? 'folder' : 'other'
}
