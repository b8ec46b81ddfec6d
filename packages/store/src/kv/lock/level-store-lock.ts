import { basename, join } from 'node:path'
import type { Clock } from '@varve/pack/base'
import { VarveError } from '@varve/pack/errors'
import type { FileSystem } from '@varve/pack/fs'
import { fileName } from '@varve/pack/layout'
import type { LevelDatabase, LevelDoor, LevelLoading } from '../level-door.ts'
import { claimOwnership, lockedBy } from './claim.ts'
import {
  type FoundOwner,
  type Owner,
  OwnerJudge,
  ownerPath,
  readOtherOwners,
  removeOwnerFile,
} from './owner-file.ts'
import type { ProcessIdentity, ProcessTable } from './process-table.ts'
import type { StoreLock } from './store-lock.ts'

/** The database stays empty: as little as LevelDB takes. */
const levelOptions = { cacheBytes: 1 << 16, writeBufferBytes: 1 << 16 } as const
/** LevelDB's own name for the file that it locks. */
const lockedFile = 'LOCK'

export interface LevelLockContext {
  readonly fileSystem: FileSystem
  /** The store's folder without symbolic links. */
  readonly root: string
  readonly clock: Clock
  readonly program: string
  readonly door: LevelDoor
  readonly processes: ProcessTable
}

/**
 * The writer lock of a store on a disk. What decides between processes is the system's lock on `lock/LOCK`,
 * which LevelDB takes with `fcntl` and which ends with the process, however it ends. Within a process it
 * protects nothing, and opening and closing that file again, by whomever, releases it without an error. So
 * the order is the rule:
 *
 *   1. make `lock-owner-<pid>`: one opening in this process at a time
 *   2. open the empty LevelDB in `lock/`: one process at a time
 *   3. remove owner files of dead processes
 *   …  release: close LevelDB, then remove `lock-owner-<pid>`
 *
 * Nothing but step 2 ever opens a file in `lock/`. Where LevelDB does not load, owner files alone must do:
 * then every other owner file whose process may be alive refuses, which two that start at the same moment do
 * to each other.
 */
export class LevelStoreLock implements StoreLock {
  readonly kind: 'level' | 'owner-file'
  readonly reason: string | undefined
  readonly root: string
  readonly #fileSystem: FileSystem
  readonly #ownerPath: string
  readonly #database: LevelDatabase | undefined
  readonly #witness: Witness
  #isHeld = true
  #releasing: Promise<void> | undefined

  private constructor(context: LevelLockContext, held: Held) {
    this.kind = held.database === undefined ? 'owner-file' : 'level'
    this.reason = held.reason
    this.root = context.root
    this.#fileSystem = context.fileSystem
    this.#ownerPath = held.ownerPath
    this.#database = held.database
    this.#witness = held.witness
  }

  /**
   * Tries once.
   * @throws STORE_LOCKED, and what the file system throws.
   */
  static async tryAcquire(context: LevelLockContext): Promise<LevelStoreLock> {
    const { fileSystem, root, clock, program, processes } = context
    const level = await context.door()
    const self = await processes.self()
    const backing = level.kind === 'loaded' ? 'level' : 'none'
    const owner: Owner = { ...self, sinceMs: clock.now(), program, backing }
    const path = ownerPath(root, self)
    await claimOwnership(fileSystem, path, { owner, clock })
    let database: LevelDatabase | undefined
    try {
      const others = new Others(context, self)
      if (level.kind === 'loaded') database = await openLocked(context, level, others)
      await others.refuse(level.kind === 'loaded' ? (found) => found.owner?.backing === 'none' : () => true)
      const witness = await Witness.of(fileSystem, database === undefined ? path : lockedPath(root))
      await others.removeLitter()
      const reason = level.kind === 'unavailable' ? level.reason : undefined
      return new LevelStoreLock(context, { ownerPath: path, database, reason, witness })
    } catch (error) {
      await database?.close()
      await removeOwnerFile(fileSystem, path)
      throw error
    }
  }

  async verifyStillHeld(): Promise<void> {
    const isHeld = this.#isHeld && (await this.#witness.isThere())
    if (!isHeld) throw new VarveError('LOCK_LOST', {})
  }

  async release(): Promise<void> {
    this.#isHeld = false
    this.#releasing ??= this.#releaseNow()
    try {
      await this.#releasing
    } catch (error) {
      this.#releasing = undefined
      throw error
    }
  }

  /** If LevelDB does not close, the owner file stays: a second opening in this process would not be safe. */
  async #releaseNow(): Promise<void> {
    await this.#database?.close()
    await removeOwnerFile(this.#fileSystem, this.#ownerPath)
  }
}

interface Held {
  readonly ownerPath: string
  readonly database: LevelDatabase | undefined
  readonly reason: string | undefined
  readonly witness: Witness
}

/** The file that the lock stands on. It is never opened: that would release the lock. */
class Witness {
  readonly #fileSystem: FileSystem
  readonly #path: string
  readonly #inode: number

  private constructor(fileSystem: FileSystem, path: string, inode: number) {
    this.#fileSystem = fileSystem
    this.#path = path
    this.#inode = inode
  }

  static async of(fileSystem: FileSystem, path: string): Promise<Witness> {
    const stat = await fileSystem.stat(path)
    if (stat === undefined) throw new VarveError('LOCK_LOST', {})
    return new Witness(fileSystem, path, stat.inode)
  }

  async isThere(): Promise<boolean> {
    return (await this.#fileSystem.stat(this.#path))?.inode === this.#inode
  }
}

/** The owner files of other processes. */
class Others {
  readonly #context: LevelLockContext
  readonly #self: ProcessIdentity
  readonly #judge: OwnerJudge

  constructor(context: LevelLockContext, self: ProcessIdentity) {
    this.#context = context
    this.#self = self
    this.#judge = new OwnerJudge(context.processes, self)
  }

  /** @throws STORE_LOCKED when one that matters may be alive. */
  async refuse(matters: (found: FoundOwner) => boolean): Promise<void> {
    for (const found of await this.#read()) {
      // Files of our own process: the one in which another thread asks to replace a stale one.
      const isOwn = found.pid === this.#self.pid && found.namespace === this.#self.namespace
      if (isOwn || !matters(found)) continue
      if ((await this.#judge.stateOf(found)) !== 'dead') throw lockedByOwner(found)
    }
  }

  /** Who has the lock that the system refused to us: as far as it can be told, else pid 0. */
  async holder(): Promise<VarveError<'STORE_LOCKED'>> {
    let best: { readonly found: FoundOwner; readonly isKnown: boolean } | undefined
    for (const found of await this.#read()) {
      const state = await this.#judge.stateOf(found)
      if (state === 'dead') continue
      const isKnown = state === 'running'
      // Those who only try came later than the one who has it.
      const isBetter = best === undefined || found.sinceMs < best.found.sinceMs
      if (best === undefined || (isKnown === best.isKnown ? isBetter : isKnown)) best = { found, isKnown }
    }
    return best === undefined ? lockedBy(0, this.#context.clock.now()) : lockedByOwner(best.found)
  }

  async removeLitter(): Promise<void> {
    const { fileSystem, clock } = this.#context
    for (const found of await this.#read()) {
      if (await this.#judge.isLitter(found, clock)) await removeOwnerFile(fileSystem, found.path)
    }
  }

  async #read(): Promise<FoundOwner[]> {
    return readOtherOwners(this.#context.fileSystem, this.#context.root, this.#self)
  }
}

function lockedByOwner({ pid, sinceMs, owner }: FoundOwner): VarveError<'STORE_LOCKED'> {
  return lockedBy(pid, sinceMs, owner?.program)
}

/** @throws STORE_LOCKED, WRITER_FAILED */
async function openLocked(
  { fileSystem, root }: LevelLockContext,
  level: LevelLoading & { readonly kind: 'loaded' },
  others: Others,
): Promise<LevelDatabase> {
  const folder = join(root, fileName.lock)
  await fileSystem.mkdir(folder)
  let opening = await level.open(folder, levelOptions)
  if (opening.kind === 'failed') {
    await emptyFolder(fileSystem, folder)
    opening = await level.open(folder, levelOptions)
  }
  if (opening.kind === 'opened') return opening.database
  if (opening.kind === 'locked') throw await others.holder()
  throw new VarveError('WRITER_FAILED', { file: fileName.lock }, { cause: opening.cause })
}

/**
 * Removes a damaged database, which had nothing in it. The locked file stays: another process may have made
 * the database anew in the meantime, and with another file each of us would hold a lock of its own.
 */
async function emptyFolder(fileSystem: FileSystem, folder: string): Promise<void> {
  for (const name of await fileSystem.list(folder)) {
    if (basename(name) !== lockedFile) await removeOwnerFile(fileSystem, join(folder, name))
  }
}

function lockedPath(root: string): string {
  return join(root, fileName.lock, lockedFile)
}
