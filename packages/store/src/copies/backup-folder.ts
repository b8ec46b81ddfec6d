import { join } from 'node:path'
import { VarveError } from '@varve/pack/errors'
import { type FileSystem, readFully } from '@varve/pack/fs'
import { classifyFile, fileName, isLeftover, type NamedFiles } from '@varve/pack/layout'
import { type ControlState, packHeaderSize, readControl, replaceControl } from '@varve/pack/pack'
import { linkOrCopy } from './link-or-copy.ts'
import { claimFolder, mismatch, type TargetFolder } from './target-folder.ts'

/** The folder, in that of the backup, of its own lower layer. */
const lowerName = 'lower'

/** A file of the store that the backup is to have under the same name. */
export interface WantedFile {
  readonly name: string
  /** Where it is. */
  readonly from: string
  /** The volume that it belongs to, where it rests in the lower layer. */
  readonly volume?: number | undefined
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
  readonly #path: string
  /** Where there was no backup before. */
  readonly #target: TargetFolder | undefined
  readonly #older: ControlState | undefined
  readonly #names: ReadonlySet<string>
  /** By the name in `staging`. */
  readonly #staged = new Map<string, WantedFile>()
  /** Paths of files that were here before and belong to the new backup. */
  readonly #proved = new Set<string>()
  /** Opened for writing since the last backup: then names prove nothing. */
  readonly #wasOpened: boolean

  private constructor(
    fs: FileSystem,
    o: {
      readonly path: string
      readonly target: TargetFolder | undefined
      readonly older: ControlState | undefined
      readonly names: readonly string[]
    },
  ) {
    this.#fs = fs
    this.#path = o.path
    this.#target = o.target
    this.#older = o.older
    this.#names = new Set(o.names)
    this.#wasOpened = this.#names.has(fileName.lock) || this.#names.has(fileName.projections)
  }

  /**
   * @throws OPTION_MISMATCH when the folder holds anything but a backup of this store, or a writer has it
   * open; READ_ONLY_FOLDER, NO_SPACE, INVALID_PATH, COPY_FAILED
   */
  static async open(
    fs: FileSystem,
    o: { readonly dir: string; readonly storeId: string },
  ): Promise<BackupFolder> {
    const found = await readBackup(fs, o)
    if (found !== undefined) {
      const folder = new BackupFolder(fs, { target: undefined, ...found })
      await fs.removeFolder(folder.#staging)
      return folder
    }
    const target = await claimFolder(fs, o.dir)
    return new BackupFolder(fs, { path: target.path, target, older: undefined, names: [] })
  }

  /**
   * Puts the file into the backup unless it has it. Gives the bytes that had to be copied.
   * @throws ABORTED, and what the file system throws: ENOENT when the store no longer has it
   */
  async put(file: WantedFile, signal: AbortSignal): Promise<number> {
    const { from, bytes } = file
    const name = stagedName(file)
    const isThere = this.#staged.get(name)?.bytes === bytes && this.#staged.has(name)
    if (isThere) return 0
    if (await this.#has(file)) {
      this.#proved.add(this.#placeOf(file))
      return 0
    }
    const to = join(this.#staging, name)
    if (this.#staged.delete(name)) await this.#fs.remove(to)
    await this.#fs.mkdir(this.#staging)
    const copied = await linkOrCopy(this.#fs, { from, to, bytes, signal })
    this.#staged.set(name, file)
    return copied
  }

  /** Makes the backup what control says, all of whose files have been put. */
  async switchTo(control: ControlState): Promise<void> {
    const fs = this.#fs
    const named = namesIn(control)
    const staged = [...this.#staged.values()]
    const wanted = staged.filter(({ name, volume }) => {
      return volume === undefined && !isLeftover(classifyFile(name), named)
    })
    if (this.#staged.size > 0) await fs.syncFolder(this.#staging)
    await this.#target?.sync()
    // Projections of a later state of an opened backup would be taken for those of this one.
    if (this.#names.has(fileName.projections)) await fs.removeFolder(join(this.#path, fileName.projections))
    await this.#removeOddIndexes(named)
    await this.#placeVolumes(staged, control)
    for (const file of wanted.sort((a, b) => Number(isChunk(a)) - Number(isChunk(b)))) await this.#place(file)
    await fs.syncFolder(this.#path)
    // Never the store's own, which two stores would share.
    const lower = control.volumes.length === 0 ? null : lowerName
    await replaceControl(fs, this.#path, { ...control, lower })
    // What stays is a leftover, which the next backup or opening removes: the backup is whole.
    await this.#removeLeftovers(named).catch(() => undefined)
  }

  /**
   * An index that the store does not have, or not yet, may be one of the backup's own from when it was
   * opened: of another chunk of that number. An opening makes it anew.
   */
  async #removeOddIndexes(named: NamedFiles): Promise<void> {
    for (const name of this.#names) {
      const path = join(this.#path, name)
      const isNamed = isIndex(name) && !isLeftover(classifyFile(name), named)
      if (!isNamed || this.#proved.has(path)) continue
      await this.#fs.remove(path)
    }
  }

  async #place(file: WantedFile): Promise<void> {
    await this.#fs.rename(join(this.#staging, stagedName(file)), this.#placeOf(file))
    this.#staged.delete(stagedName(file))
  }

  /** Volumes are complete before control names what they have come to hold. */
  async #placeVolumes(staged: readonly WantedFile[], control: ControlState): Promise<void> {
    if (control.volumes.length === 0) return
    const fs = this.#fs
    const lower = join(this.#path, lowerName)
    for (const { id } of control.volumes) await fs.mkdir(join(lower, fileName.volume(id)))
    for (const file of staged) if (file.volume !== undefined) await this.#place(file)
    for (const { id } of control.volumes) await fs.syncFolder(join(lower, fileName.volume(id)))
    await fs.syncFolder(lower)
  }

  #placeOf({ name, volume }: WantedFile): string {
    return volume === undefined
      ? join(this.#path, name)
      : join(this.#path, lowerName, fileName.volume(volume), name)
  }

  /**
   * Gives up: what was there before stays, and nothing else but archived files, which another backup goes on
   * with. Never rejects.
   */
  async discard(): Promise<void> {
    if (this.#target !== undefined) {
      await this.#fs.removeFolder(join(this.#path, lowerName)).catch(() => undefined)
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
  async #has(file: WantedFile): Promise<boolean> {
    const { name, volume, from: there, isPack, bytes } = file
    if (bytes !== undefined || (volume === undefined && !this.#isNamedWhole(name))) return false
    const here = this.#placeOf(file)
    const [mine, theirs] = [await this.#fs.stat(here), await this.#fs.stat(there)]
    if (mine === undefined || mine.size !== theirs?.size) return false
    if (this.#wasOpened && mine.inode !== theirs.inode) return false
    return isPack !== true || (await this.#headerOf(here)).equals(await this.#headerOf(there))
  }

  #isNamedWhole(name: string): boolean {
    const older = this.#older
    if (older === undefined || !this.#names.has(name)) return false
    const file = classifyFile(name)
    if (isLeftover(file, namesIn(older))) return false
    const isOfChunk = file.kind === 'chunk' || file.kind === 'chunk-index'
    // The open chunk goes on in the store, and has no index yet.
    return !isOfChunk || file.number !== older.chunks.at(-1)?.number
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
  { dir, storeId }: { readonly dir: string; readonly storeId: string },
): Promise<{ path: string; older: ControlState; names: string[] } | undefined> {
  const stat = await fs.stat(dir)
  if (stat === undefined || stat.kind !== 'folder') return undefined
  const path = await fs.realPath(dir)
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
    filters: new Set(control.volumes.flatMap(({ filters }) => filters)),
  }
}

function isChunk({ name }: WantedFile): boolean {
  return classifyFile(name).kind === 'chunk'
}

function isIndex(name: string): boolean {
  const { kind } = classifyFile(name)
  return kind === 'chunk-index' || kind === 'segment-index'
}

/** Volumes have files of equal names. */
function stagedName({ name, volume }: WantedFile): string {
  return volume === undefined ? name : `${fileName.volume(volume)}.${name}`
}
