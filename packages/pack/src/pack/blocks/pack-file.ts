import { assert } from '../../base/index.ts'
import type { FileHandle, FileSystem } from '../../fs/index.ts'
import type { BlockCache } from './block-cache.ts'
import type { BlockSource } from './block-source.ts'
import type { BlockTable } from './block-table.ts'
import { BytesHandle } from './bytes-handle.ts'
import { fileKey, type PackFileKind } from './file-key.ts'
import type { FileRetirer } from './file-retirer.ts'
import { PackHandle } from './pack-handle.ts'

/** What a pack, map, or index file is opened with. */
export interface PackFileOptions {
  readonly folder: string
  readonly name: string
  readonly number: number
  readonly kind: PackFileKind
  readonly cache: BlockCache
  readonly retirer: FileRetirer
  /** The id of the volume that the file lies in. Default 0: the upper layer. */
  readonly volume?: number
  /**
   * Bytes to read, no more: the accepted end of a chunk that still grows. Absent: the file's size, and it
   * grows no more.
   */
  readonly growsFrom?: number
  /**
   * Bytes to read of a file that grows no more: a sealed chunk's length, behind which something torn may lie.
   */
  readonly length?: number
}

/**
 * A file of the store open for reading, shared by all who read from it. It is opened with one user; the last
 * to release it closes the handle and, if the file was retired, has it unlinked in the background.
 */
export class PackFile implements BlockSource {
  readonly number: number
  readonly kind: PackFileKind
  readonly name: string
  readonly path: string
  readonly handle: FileHandle
  readonly table: BlockTable
  readonly #cache: BlockCache
  readonly #retirer: FileRetirer
  #users = 1
  #end: number
  #isGrowing: boolean
  #isRetired = false

  private constructor(o: PackFileOptions, path: string, handle: FileHandle, size: number) {
    this.number = o.number
    this.kind = o.kind
    this.name = o.name
    this.path = path
    this.handle = new PackHandle(handle, o.name)
    this.table = o.cache.table(fileKey(o.number, o.kind, o.volume))
    this.#cache = o.cache
    this.#retirer = o.retirer
    this.#end = o.growsFrom ?? o.length ?? size
    this.#isGrowing = o.growsFrom !== undefined
  }

  static async open(fs: FileSystem, o: PackFileOptions): Promise<PackFile> {
    const path = `${o.folder}/${o.name}`
    const handle = await fs.open(path, 'read')
    try {
      return new PackFile(o, path, handle, handle.sizeSync())
    } catch (error) {
      handle.closeSync()
      throw error
    }
  }

  /**
   * The same without leaving the current section: for the chunk that the log begins while records are
   * waiting.
   */
  static openSync(fs: FileSystem, o: PackFileOptions): PackFile {
    const path = `${o.folder}/${o.name}`
    const handle = fs.openSync(path, 'read')
    try {
      return new PackFile(o, path, handle, handle.sizeSync())
    } catch (error) {
      handle.closeSync()
      throw error
    }
  }

  /** A file that is read through this handle. @throws what the handle does when it is asked for the size */
  static over(handle: FileHandle, o: PackFileOptions): PackFile {
    return new PackFile(o, `${o.folder}/${o.name}`, handle, o.length ?? handle.sizeSync())
  }

  /** Bytes in memory in the place of a file; the name is the one that errors tell. */
  static ofBytes(bytes: Buffer, o: PackFileOptions): PackFile {
    return new PackFile(o, `${o.folder}/${o.name}`, new BytesHandle(bytes), bytes.length)
  }

  /** Bytes that may be read: the file's, and those in pinned blocks that are still to be written. */
  get end(): number {
    return this.#end
  }

  get isGrowing(): boolean {
    return this.#isGrowing
  }

  get userCount(): number {
    return this.#users
  }

  /** The chunk's owner has added bytes, or found a further whole batch. */
  grow(end: number): void {
    assert(this.#isGrowing, 'only a growing file grows')
    assert(end >= this.#end, 'a file does not shrink')
    this.#end = end
  }

  /** The chunk is sealed at its present end. */
  stopGrowing(): void {
    this.#isGrowing = false
  }

  acquire(): void {
    assert(this.#users > 0, 'a closed file is not used again')
    this.#users++
  }

  release(): void {
    assert(this.#users > 0, 'a file is released once by each user')
    this.#users--
    if (this.#users > 0) return
    this.#cache.forget(this.table.key)
    this.#retirer.add({ path: this.path, handle: this.handle, isUnlinked: this.#isRetired })
  }

  /** No control file names it any more: it is unlinked once its last user has released it. */
  retire(): void {
    assert(this.#users > 0, 'a closed file is not retired')
    this.#isRetired = true
  }
}
