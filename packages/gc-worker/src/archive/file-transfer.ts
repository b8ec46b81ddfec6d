import { Xxh64Stream } from '@varve/pack/base'
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

/** Copied and read back in pieces of this size, two at a time. */
const pieceBytes = 2 * 1024 * 1024
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
  #pair: readonly [Buffer, Buffer] | undefined

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
      if (found.size < length) return true
      return (await this.#pieces(source, length, async () => {})) !== (await this.#sumOf(o.to, length))
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
      const sum = await this.#write(source, o.to, length)
      const found = await this.#sumOf(o.to, length)
      if (found === sum) return
      const message = `${o.to} cannot be read back as it was written`
      throw new VarveError('GC_FAILED', { reason: 'lower' }, { message })
    } finally {
      await source.close()
    }
  }

  async #write(source: FileHandle, name: string, length: number): Promise<bigint> {
    const target = await lower(() => this.#directory.open(name, 'create'))
    try {
      const sum = await this.#pieces(source, length, async (piece, size, at) => {
        await lower(() => writeFully(target, piece, 0, size, at))
        await this.#onBytes(size)
      })
      await lower(() => target.sync())
      return sum
    } finally {
      await lower(() => target.close())
    }
  }

  /** Right after writing this proves what the file system took over, not what its disk keeps. */
  async #sumOf(name: string, length: number): Promise<bigint> {
    const handle = await lower(() => this.#directory.open(name, 'read'))
    try {
      return await lower(() => this.#pieces(handle, length, async () => {}))
    } finally {
      await lower(() => handle.close())
    }
  }

  /** The sum of a file; the next piece is read while one is taken. */
  async #pieces(
    handle: FileHandle,
    length: number,
    take: (piece: Buffer, size: number, at: number) => Promise<void>,
  ): Promise<bigint> {
    let [piece, other] = this.#memory()
    const sum = new Xxh64Stream(0)
    let reading = readPiece(handle, piece, 0, length)
    for (let at = 0; at < length; at += pieceBytes) {
      const size = await reading
      const isLast = size < pieceBytes
      const taking = take(piece, size, at)
      if (!isLast) reading = readPiece(handle, other, at + pieceBytes, length)
      sum.update(piece, 0, size)
      // Both are over before anybody hears of a failure: their memory is used again.
      const [taken] = await Promise.allSettled([taking, reading])
      if (taken.status === 'rejected') throw taken.reason
      if (isLast) break
      ;[piece, other] = [other, piece]
    }
    return sum.digest()
  }

  #memory(): readonly [Buffer, Buffer] {
    this.#pair ??= [Buffer.allocUnsafeSlow(pieceBytes), Buffer.allocUnsafeSlow(pieceBytes)]
    return this.#pair
  }
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
