import { join } from 'node:path'
import { VarveError } from '@varve/pack/errors'
import { type FileSystem, readFully } from '@varve/pack/fs'
import { classifyFile, fileName, isLeftover, type NamedFiles } from '@varve/pack/layout'
import { type ControlState, packHeaderSize, readControl, replaceControl } from '@varve/pack/pack'
import { linkOrCopy } from './link-or-copy.ts'
import { claimFolder, mismatch, type TargetFolder } from './target-folder.ts'

/** A file of the store that the backup is to have under the same name. */
export interface WantedFile {
  readonly name: string
  /** It begins with the header of a pack file, which no other file shares. */
  readonly isPack?: boolean | undefined
  /** Only so many bytes of it count, and it goes on growing: it is copied. Default: it is whole and final. */
  readonly bytes?: number | undefined
}

/**
 * The folder of a backup, which holds the one before or nothing. New files are put together in its folder
 * `staging`, which no opening looks into, and get their places when all of them are there and synced; then
 * control is replaced, and only then what it no longer names goes. Chunks get their places last: an opening
 * refuses a store with a chunk that is newer than its control.
 */
export class BackupFolder {
  readonly #fs: FileSystem
  readonly #source: string
  readonly #path: string
  /** Where there was no backup before. */
  readonly #target: TargetFolder | undefined
  readonly #older: ControlState | undefined
  readonly #names: ReadonlySet<string>
  /** Names in `staging`, and how many bytes of each count. */
  readonly #staged = new Map<string, number | undefined>()
  /** Opened for writing since the last backup: then names prove nothing. */
  readonly #wasOpened: boolean

  private constructor(
    fs: FileSystem,
    o: {
      readonly source: string
      readonly path: string
      readonly target: TargetFolder | undefined
      readonly older: ControlState | undefined
      readonly names: readonly string[]
    },
  ) {
    this.#fs = fs
    this.#source = o.source
    this.#path = o.path
    this.#target = o.target
    this.#older = o.older
    this.#names = new Set(o.names)
    this.#wasOpened = this.#names.has(fileName.lock) || this.#names.has(fileName.projections)
  }

  /**
   * @throws OPTION_MISMATCH when the folder holds anything but a backup of this store, or is the store's own,
   * or a writer has it open; READ_ONLY_FOLDER, NO_SPACE, INVALID_PATH, COPY_FAILED
   */
  static async open(
    fs: FileSystem,
    o: { readonly dir: string; readonly source: string; readonly storeId: string },
  ): Promise<BackupFolder> {
    const { dir, source } = o
    const found = await readBackup(fs, o)
    if (found !== undefined) {
      const folder = new BackupFolder(fs, { source, target: undefined, ...found })
      await fs.removeFolder(folder.#staging)
      return folder
    }
    const target = await claimFolder(fs, dir)
    return new BackupFolder(fs, { source, path: target.path, target, older: undefined, names: [] })
  }

  /**
   * Puts the file into the backup unless it has it. Gives the bytes that had to be copied.
   * @throws ABORTED, and what the file system throws: ENOENT when the store no longer has the file
   */
  async put(file: WantedFile, signal: AbortSignal): Promise<number> {
    const { name, bytes } = file
    const isThere = this.#staged.has(name) && this.#staged.get(name) === bytes
    if (isThere || (await this.#has(file))) return 0
    const [from, to] = [join(this.#source, name), join(this.#staging, name)]
    if (this.#staged.delete(name)) await this.#fs.remove(to)
    await this.#fs.mkdir(this.#staging)
    const copied = await linkOrCopy(this.#fs, { from, to, bytes, signal })
    this.#staged.set(name, bytes)
    return copied
  }

  /** Makes the backup what control says, all of whose files have been put. */
  async switchTo(control: ControlState): Promise<void> {
    const fs = this.#fs
    const named = namesIn(control)
    const wanted = [...this.#staged.keys()].filter((name) => !isLeftover(classifyFile(name), named))
    if (this.#staged.size > 0) await fs.syncFolder(this.#staging)
    await this.#target?.sync()
    // Projections of a later state of an opened backup would be taken for those of this one.
    if (this.#names.has(fileName.projections)) await fs.removeFolder(join(this.#path, fileName.projections))
    for (const name of wanted.sort((a, b) => Number(isChunk(a)) - Number(isChunk(b)))) {
      await fs.rename(join(this.#staging, name), join(this.#path, name))
      this.#staged.delete(name)
    }
    await fs.syncFolder(this.#path)
    await replaceControl(fs, this.#path, { ...control, ...lowerOf() })
    // What stays is a leftover, which the next backup or opening removes: the backup is whole.
    await this.#removeLeftovers(named).catch(() => undefined)
  }

  /** Gives up: what was there before stays, and nothing else. Never rejects. */
  async discard(): Promise<void> {
    if (this.#target !== undefined) {
      await this.#fs.removeFolder(this.#staging).catch(() => undefined)
      return this.#target.discard()
    }
    // Where the new control has its place already, what it names stays too.
    const found = await controlOf(this.#fs, this.#path).catch(() => undefined)
    const isOlder = JSON.stringify(found) === JSON.stringify(this.#older)
    if (this.#older === undefined || !isOlder) return
    await this.#removeLeftovers(namesIn(this.#older)).catch(() => undefined)
  }

  get #staging(): string {
    return join(this.#path, fileName.staging)
  }

  async #removeLeftovers(named: NamedFiles): Promise<void> {
    await this.#fs.removeFolder(this.#staging)
    for (const name of await this.#fs.list(this.#path)) {
      if (isLeftover(classifyFile(name), named)) await this.#fs.remove(join(this.#path, name))
    }
  }

  /**
   * Whether the older backup has the whole file. Its control names it and was written when it was synced, so
   * the same header means the same file; in a backup that was opened only the very same file does.
   */
  async #has({ name, isPack, bytes }: WantedFile): Promise<boolean> {
    if (bytes !== undefined || !this.#names.has(name) || !this.#isNamedWhole(name)) return false
    const [here, there] = [join(this.#path, name), join(this.#source, name)]
    const [mine, theirs] = [await this.#fs.stat(here), await this.#fs.stat(there)]
    if (mine === undefined || theirs === undefined) return false
    if (mine.inode === theirs.inode) return true
    if (this.#wasOpened || mine.size !== theirs.size) return false
    return isPack !== true || (await this.#headerOf(here)).equals(await this.#headerOf(there))
  }

  #isNamedWhole(name: string): boolean {
    const older = this.#older
    if (older === undefined) return false
    const file = classifyFile(name)
    if (isLeftover(file, namesIn(older))) return false
    const isOpen = file.kind === 'chunk' && file.number === older.chunks.at(-1)?.number
    return !isOpen
  }

  async #headerOf(path: string): Promise<Buffer> {
    const handle = await this.#fs.open(path, 'read')
    try {
      const header = Buffer.alloc(packHeaderSize)
      return header.subarray(0, await readFully(handle, header, 0, packHeaderSize, 0))
    } finally {
      await handle.close()
    }
  }
}

async function readBackup(
  fs: FileSystem,
  { dir, source, storeId }: { readonly dir: string; readonly source: string; readonly storeId: string },
): Promise<{ path: string; older: ControlState; names: string[] } | undefined> {
  const stat = await fs.stat(dir)
  if (stat === undefined || stat.kind !== 'folder') return undefined
  const path = await fs.realPath(dir)
  if (path === source) throw mismatch(`${dir} is the folder of the store itself`)
  const names = await fs.list(path)
  if (!names.includes(fileName.control)) {
    // A first backup that a power cut ended: everything in it is put there again.
    const isOurs = names.length > 0 && names.every((name) => name === fileName.staging)
    if (isOurs) await fs.removeFolder(join(path, fileName.staging))
    return undefined
  }
  const older = await controlOf(fs, path)
  if (older?.storeId !== storeId) throw mismatch(`${dir} holds another store`)
  if (names.some((name) => classifyFile(name).kind === 'lock-owner')) {
    throw mismatch(`${dir} is open for writing, or was not closed`)
  }
  return { path, older, names }
}

/** A control that cannot be read may be anybody's. */
async function controlOf(fs: FileSystem, path: string): Promise<ControlState | undefined> {
  try {
    return (await readControl(fs, path)).state
  } catch (error) {
    if (VarveError.is(error, 'CORRUPT') || VarveError.is(error, 'NEWER_FORMAT')) return undefined
    throw error
  }
}

function namesIn(control: ControlState): NamedFiles {
  return {
    chunks: new Set(control.chunks.map(({ number }) => number)),
    segments: new Set(control.segments.map(({ number }) => number)),
    checkpoints: new Set(control.checkpoint === null ? [] : [control.checkpoint.number]),
  }
}

function isChunk(name: string): boolean {
  return classifyFile(name).kind === 'chunk'
}

/** Where a backup finds its lower layer: never in the store's own, which two stores would share. */
function lowerOf(): Pick<ControlState, 'lower' | 'volumes'> {
  return { lower: null, volumes: [] }
}
