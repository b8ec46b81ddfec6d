/** The disk in a worker thread that dies, as one that is killed does, when it begins to write a segment. */
import { type FileHandle, type FileSystem, NodeFileSystem, type OpenMode } from '@varve/pack/fs'

export function createFileSystem(): FileSystem {
  const disk = new NodeFileSystem()
  const open = disk.open.bind(disk)
  return Object.assign(disk, {
    open: async (path: string, mode: OpenMode): Promise<FileHandle> => {
      if (mode === 'create' && /\/gen-[0-9]+\.pack$/.test(path)) process.exit(9)
      return open(path, mode)
    },
  })
}
