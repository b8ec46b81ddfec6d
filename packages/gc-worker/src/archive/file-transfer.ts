import { VarveError } from '@varve/pack/errors'
import {
  type Directory,
  type FileHandle,
  type FileSystem,
  hasCode,
  readFully,
  writeFully,
} from '@varve/pack/fs'
import { lowerFailure } from './lower-failure.ts'

/** Copied and compared in pieces of this size; while one is looked at the next is read. */
const pieceBytes = 1024 * 1024
/** What a disk says that cannot give a file a second name there. */
const unlinkable = ['EXDEV', 'EPERM', 'EMLINK', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EACCES']

interface FilePlaces {
  /** A path. */
  readonly from: string
  /** A name in the directory. */
  readonly to: string
  /** Bytes of it that count, if not all. */
  readonly length?: number | undefined
}

/**
 * Brings whole files from the upper layer to the lower one. On one file system a file gets a second name,
 * whatever its size; across two it is copied, synced, and read back.
 */
export class FileTransfer {
  readonly #fs: FileSystem
  readonly #directory: Directory
  readonly #onBytes: (bytes: number) => Promise<void>
  #pieces: readonly Buffer[] = []

  constructor(fs: FileSystem, directory: Directory, onBytes: (bytes: number) => Promise<void>) {
    this.#fs = fs
    this.#directory = directory
    this.#onBytes = onBytes
  }

  /**
   * @throws GC_FAILED with reason 'lower', LOWER_UNAVAILABLE; what is wrong with the upper file as it is
   */
  async take(o: FilePlaces): Promise<void> {
    try {
      await this.#directory.link(o.from, o.to)
    } catch (error) {
      if (!unlinkable.some((code) => hasCode(error, code))) throw lowerFailure(error)
      await this.#copy(o)
      return
    }
    await this.#onBytes(o.length ?? 0)
  }

  /**
   * Whether there is a file of that name and it holds something else, up to a length. Reads both whole,
   * unless they are one file.
   * @throws as `take` does
   */
  async differs(o: FilePlaces): Promise<boolean> {
    const found = await lower(() => this.#directory.stat(o.to))
    if (found === undefined) return false
    const above = await this.#fs.stat(o.from)
    // Two disks may use the same inode, but not for files of the same moment.
    if (above?.inode === found.inode && above.modifiedMs === found.modifiedMs) return false
    const source = await this.#fs.open(o.from, 'read')
    try {
      const length = o.length ?? (await source.size())
      return found.size < length || !(await this.#isSame(source, o.to, length))
    } finally {
      await source.close()
    }
  }

  /** A small new file, synced. @throws what the directory throws */
  async create(name: string, bytes: Buffer): Promise<void> {
    const handle = await this.#directory.open(name, 'create')
    try {
      await writeFully(handle, bytes, 0, bytes.length, 0)
      await handle.sync()
    } finally {
      await handle.close()
    }
  }

  async #copy(o: FilePlaces): Promise<void> {
    const source = await this.#fs.open(o.from, 'read')
    try {
      const length = o.length ?? (await source.size())
      await this.#write(source, o.to, length)
      if (await this.#isSame(source, o.to, length)) return
      const message = `${o.to} cannot be read back as it was written`
      throw new VarveError('GC_FAILED', { reason: 'lower' }, { message })
    } finally {
      await source.close()
    }
  }

  async #write(source: FileHandle, name: string, length: number): Promise<void> {
    const target = await lower(() => this.#directory.open(name, 'create'))
    try {
      await this.#forEachPiece([source], length, async ([piece], size, at) => {
        await lower(() => writeFully(target, piece as Buffer, 0, size, at))
        await this.#onBytes(size)
        return true
      })
      await lower(() => target.sync())
    } finally {
      await lower(() => target.close())
    }
  }

  /**
   * Both are read, as comparing bytes costs less than summing them up. Right after writing this proves what
   * the file system took over, not what its disk keeps.
   */
  async #isSame(source: FileHandle, name: string, length: number): Promise<boolean> {
    const target = await lower(() => this.#directory.open(name, 'read'))
    try {
      const readBack: Pick<FileHandle, 'read'> = {
        read: (...o) => lower(() => target.read(...o)),
      }
      return await this.#forEachPiece([source, readBack], length, async ([here, there], size, at) => {
        const isThere = size === Math.min(pieceBytes, length - at)
        return isThere && (here as Buffer).compare(there as Buffer, 0, size, 0, size) === 0
      })
    } finally {
      await lower(() => target.close())
    }
  }

  /**
   * Takes the same piece of all files at once, one after another, until `take` says that it has seen enough;
   * then false. The next one is read meanwhile.
   */
  async #forEachPiece(
    files: readonly Pick<FileHandle, 'read'>[],
    length: number,
    take: (pieces: readonly Buffer[], size: number, at: number) => Promise<boolean>,
  ): Promise<boolean> {
    let [pieces, others] = this.#memory(files.length)
    let reading = readPieces(files, pieces, 0, length)
    for (let at = 0; at < length; at += pieceBytes) {
      const size = await reading
      const isLast = size < pieceBytes
      if (!isLast) reading = readPieces(files, others, at + pieceBytes, length)
      const taking = take(pieces, size, at)
      // Both are over before anybody hears of a failure: their memory is used again.
      const [taken] = await Promise.allSettled([taking, reading])
      if (taken.status === 'rejected') throw taken.reason
      if (!taken.value) return false
      if (isLast) break
      ;[pieces, others] = [others, pieces]
    }
    return true
  }

  #memory(count: number): [readonly Buffer[], readonly Buffer[]] {
    while (this.#pieces.length < 2 * count)
      this.#pieces = [...this.#pieces, Buffer.allocUnsafeSlow(pieceBytes)]
    return [this.#pieces.slice(0, count), this.#pieces.slice(count, 2 * count)]
  }
}

/** Fewer bytes than a piece only at the end: there of the shortest file. */
async function readPieces(
  files: readonly Pick<FileHandle, 'read'>[],
  pieces: readonly Buffer[],
  at: number,
  length: number,
): Promise<number> {
  const wanted = Math.max(0, Math.min(pieceBytes, length - at))
  const reads = files.map((file, i) => readFully(file, pieces[i] as Buffer, 0, wanted, at))
  // None of them writes into its memory any more when another has failed.
  const sizes = await Promise.allSettled(reads)
  for (const size of sizes) if (size.status === 'rejected') throw size.reason
  return Math.min(...sizes.map((size) => (size.status === 'fulfilled' ? size.value : 0)))
}

async function lower<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    throw lowerFailure(error)
  }
}
