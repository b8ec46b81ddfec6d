import { VarveError } from '@varve/pack/errors'
import {
  type Directory,
  type FileHandle,
  type FileSystem,
  hasCode,
  readFully,
  readFullySync,
  writeFully,
  writeFullySync,
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
  #pieces: readonly [Buffer, Buffer, Buffer] | undefined

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
      await this.#forEachPiece(source, length, async (piece, size, at) => {
        await lower(async () => writeFullySync(target, piece, 0, size, at))
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
    const there = this.#memory()[2]
    try {
      return await this.#forEachPiece(source, length, async (piece, size, at) => {
        const read = await lower(async () => readFullySync(target, there, 0, size, at))
        const isWhole = size === Math.min(pieceBytes, length - at) && read === size
        return isWhole && piece.compare(there, 0, size, 0, size) === 0
      })
    } finally {
      await lower(() => target.close())
    }
  }

  /**
   * Takes one piece after another, until `take` says that it has seen enough; then false. The next one is
   * read meanwhile on another thread; `take` does its work on this one, which has nothing else to do: so both
   * processors are used, and none is lost to going from thread to thread.
   */
  async #forEachPiece(
    source: FileHandle,
    length: number,
    take: (piece: Buffer, size: number, at: number) => Promise<boolean>,
  ): Promise<boolean> {
    let [piece, other] = this.#memory()
    let reading = readPiece(source, piece, 0, length)
    for (let at = 0; at < length; at += pieceBytes) {
      const size = await reading
      const isLast = size < pieceBytes
      if (!isLast) reading = readPiece(source, other, at + pieceBytes, length)
      // Both are over before anybody hears of a failure: their memory is used again.
      const [taken] = await Promise.allSettled([take(piece, size, at), reading])
      if (taken.status === 'rejected') throw taken.reason
      if (!taken.value) return false
      if (isLast) break
      ;[piece, other] = [other, piece]
    }
    return true
  }

  #memory(): readonly [Buffer, Buffer, Buffer] {
    this.#pieces ??= [newPiece(), newPiece(), newPiece()]
    return this.#pieces
  }
}

function newPiece(): Buffer {
  return Buffer.allocUnsafeSlow(pieceBytes)
}

/** Fewer bytes than a piece only at the end. */
async function readPiece(handle: FileHandle, into: Buffer, at: number, length: number): Promise<number> {
  return readFully(handle, into, 0, Math.max(0, Math.min(pieceBytes, length - at)), at)
}

async function lower<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    throw lowerFailure(error)
  }
}
