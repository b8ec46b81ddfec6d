/**
 * The one door of the command to node:fs. What a checkout does for each of thousands of files is done at
 * once: three turns through a thread would cost ten times as much.
 */
import {
  closeSync,
  constants,
  createReadStream,
  lstatSync,
  mkdirSync,
  openSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { mkdtemp, open, readdir, realpath, rm, rmdir, stat, unlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { HostFileKind, HostFiles, HostPath, NewFile } from './host-files.ts'

const FILE_MODE = 0o644
const EXECUTABLE_MODE = 0o755

export class NodeFiles implements HostFiles {
  get temporaryFolder(): string {
    return tmpdir()
  }

  async kind(path: HostPath): Promise<HostFileKind | undefined> {
    try {
      const found = lstatSync(path)
      if (found.isFile()) return 'file'
      if (found.isDirectory()) return 'folder'
      return found.isSymbolicLink() ? 'link' : 'other'
    } catch (cause) {
      if (hasCode(cause, 'ENOENT') || hasCode(cause, 'ENOTDIR')) return undefined
      throw cause
    }
  }

  list(folder: HostPath): Promise<Buffer[]> {
    return readdir(folder, { encoding: 'buffer' })
  }

  realPath(path: string): Promise<string> {
    return realpath(path)
  }

  async makeFolder(path: HostPath): Promise<void> {
    mkdirSync(path)
  }

  makeTemporaryFolder(prefix: string): Promise<string> {
    return mkdtemp(join(tmpdir(), prefix))
  }

  async create(path: HostPath, content: Uint8Array | AsyncIterable<Uint8Array>, o: NewFile): Promise<void> {
    const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | (constants.O_NOFOLLOW ?? 0)
    const mode = o.isExecutable ? EXECUTABLE_MODE : FILE_MODE
    if (content instanceof Uint8Array) {
      createSmall(path, content, { flags, mode })
      return
    }
    const file = await open(path, flags, mode)
    try {
      for await (const part of content) await file.writeFile(part)
    } finally {
      await file.close()
    }
  }

  async makeLink(path: HostPath, target: Buffer): Promise<void> {
    symlinkSync(target, path)
  }

  remove(path: HostPath): Promise<void> {
    return unlink(path)
  }

  async removeFolder(path: HostPath): Promise<void> {
    // rm() takes no bytes as a path on every platform: the folder is emptied by hand.
    if (typeof path === 'string') return rm(path, { recursive: true })
    for (const name of await this.list(path)) {
      const inner = Buffer.concat([path, SLASH, name])
      if ((await this.kind(inner)) === 'folder') await this.removeFolder(inner)
      else await this.remove(inner)
    }
    await rmdir(path)
  }

  read(path: string): AsyncIterable<Uint8Array> {
    return createReadStream(path)
  }

  async size(path: string): Promise<number> {
    return (await stat(path)).size
  }
}

function createSmall(path: HostPath, content: Uint8Array, o: { flags: number; mode: number }): void {
  const file = openSync(path, o.flags, o.mode)
  try {
    writeFileSync(file, content)
  } finally {
    closeSync(file)
  }
}

const SLASH = Buffer.from('/')

function hasCode(cause: unknown, code: string): boolean {
  return cause instanceof Error && 'code' in cause && cause.code === code
}
