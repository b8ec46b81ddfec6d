/**
 * The disk in a worker thread to which something happens when it begins to write a segment, when it opens a
 * chunk, or when it syncs a folder.
 */
import { type FileHandle, type FileSystem, NodeFileSystem, type OpenMode } from '@varve/pack/fs'

export interface FailingOptions {
  /** Default: when a segment is begun. `check`: when a chunk is opened to be read. */
  readonly at?: 'check'
  readonly how: 'exit' | 'memory' | 'throw' | 'disk' | 'wait' | 'nothing' | 'folder'
}

export function createFileSystem(options: FailingOptions): FileSystem {
  if (options.how === 'nothing') throw new TypeError('this disk cannot be made')
  const disk = new NodeFileSystem()
  if (options.how === 'folder') return Object.assign(disk, { syncFolder: refuse })
  const open = disk.open.bind(disk)
  return Object.assign(disk, {
    open: async (path: string, mode: OpenMode): Promise<FileHandle> => {
      const isTime =
        options.at === 'check'
          ? mode === 'read' && /\/suffix-[0-9]+\.pack$/.test(path)
          : mode === 'create' && /\/gen-[0-9]+\.pack$/.test(path)
      if (isTime) await fail(options.how)
      return open(path, mode)
    },
  })
}

async function refuse(): Promise<void> {
  throw Object.assign(new TypeError('the disk is broken'), { code: 'EIO' })
}

async function fail(how: FailingOptions['how']): Promise<void> {
  switch (how) {
    case 'exit':
      return process.exit(9)
    case 'memory':
      return exhaust()
    case 'throw':
      throw new TypeError('a bug')
    case 'disk':
      throw Object.assign(new TypeError('no space'), { code: 'ENOSPC' })
    default:
      // Far longer than any test: only the end of the thread ends it.
      await new Promise((resolve) => setTimeout(resolve, 600_000))
  }
}

interface Link {
  readonly next: Link | undefined
}

/** Small objects: the limit is that of the JavaScript heap, and it is met between two of them. */
function exhaust(): void {
  let held: Link | undefined
  for (;;) held = { next: held }
}
