/** The disk in a worker thread: nothing can be linked, and files of volumes read otherwise than written. */
import { type FileHandle, type FileSystem, NodeFileSystem, type OpenMode } from '@varve/pack/fs'

export function createFileSystem(): FileSystem {
  const disk = new NodeFileSystem()
  const open = disk.open.bind(disk)
  return Object.assign(disk, {
    link: async (from: string): Promise<void> => {
      const error = new Error(`EXDEV: cross-device link not permitted, link '${from}'`)
      throw Object.assign(error, { code: 'EXDEV', syscall: 'link' })
    },
    open: async (path: string, mode: OpenMode): Promise<FileHandle> => {
      const handle = await open(path, mode)
      return mode === 'read' && path.includes('/volume-') ? lying(handle) : handle
    },
  })
}

function lying(handle: FileHandle): FileHandle {
  const read = handle.read.bind(handle)
  const readSync = handle.readSync.bind(handle)
  const falsified = (count: number, target: Buffer, targetStart: number): number => {
    if (count > 0) target[targetStart] = (target[targetStart] as number) ^ 1
    return count
  }
  return Object.assign(handle, {
    read: async (target: Buffer, targetStart: number, length: number, position: number): Promise<number> =>
      falsified(await read(target, targetStart, length, position), target, targetStart),
    readSync: (target: Buffer, targetStart: number, length: number, position: number): number =>
      falsified(readSync(target, targetStart, length, position), target, targetStart),
  })
}
