import { join } from 'node:path'
import type { Clock } from '@varve/pack/base'
import { type FileHandle, type FileSystem, hasCode, writeFully } from '@varve/pack/fs'
import { fileName } from '@varve/pack/layout'
import { isSameStart, type ProcessIdentity, type ProcessTable } from './process-table.ts'

/** Who holds a store or tries to: the content of a file `lock-owner-<pid>`. */
export interface Owner extends ProcessIdentity {
  readonly sinceMs: number
  /** For people. */
  readonly program: string
  /** What else stands for the lock; 'none': only this file does. */
  readonly backing: 'level' | 'none'
}

/** An owner file as found. Of an unreadable one, only what its name and its times say. */
export interface FoundOwner {
  readonly path: string
  readonly pid: number
  readonly namespace: string
  readonly sinceMs: number
  /** `undefined`: being written, or torn by a power cut. */
  readonly owner: Owner | undefined
}

/** 'unknown': it belongs to another pid namespace or another machine. */
export type OwnerState = 'running' | 'dead' | 'unknown'

/**
 * In another pid namespace than the first one a number may be taken twice: the namespace belongs to the name.
 */
const namePattern = /^lock-owner-([1-9][0-9]*)(?:\.([0-9]+))?(?:\.claim-[a-z0-9]+)?$/

/**
 * An owner that nobody can judge holds nothing when we have the lock; it is left alone while it may be
 * trying.
 */
const unknownAgeMs = 3_600_000

export function ownerPath(root: string, { pid, namespace }: ProcessIdentity): string {
  const name = fileName.lockOwner(pid)
  return join(root, namespace === '' ? name : `${name}.${namespace}`)
}

/** Makes the file, or answers false when the name is taken. */
export async function createOwnerFile(fileSystem: FileSystem, path: string, owner: Owner): Promise<boolean> {
  let handle: FileHandle
  try {
    handle = await fileSystem.open(path, 'create')
  } catch (error) {
    if (hasCode(error, 'EEXIST')) return false
    throw error
  }
  try {
    const bytes = Buffer.from(`${JSON.stringify(owner)}\n`)
    await writeFully(handle, bytes, 0, bytes.length, 0)
    await handle.close()
  } catch (error) {
    await handle.close().catch(() => undefined)
    // A file that stays would lock the store for the rest of this process's life.
    await removeOwnerFile(fileSystem, path)
    throw error
  }
  return true
}

export async function removeOwnerFile(fileSystem: FileSystem, path: string): Promise<void> {
  try {
    await fileSystem.remove(path)
  } catch (error) {
    if (!hasCode(error, 'ENOENT')) throw error
  }
}

/** `undefined` when the file is gone, or its name is not one of an owner file. */
export async function readOwnerFile(
  fileSystem: FileSystem,
  root: string,
  name: string,
): Promise<FoundOwner | undefined> {
  const match = namePattern.exec(name)
  if (match === null) return undefined
  const path = join(root, name)
  try {
    const owner = parseOwner(await fileSystem.readFile(path))
    const stat = await fileSystem.stat(path)
    if (stat === undefined) return undefined
    const [, pid = '', namespace = ''] = match
    return { path, pid: Number(pid), namespace, sinceMs: owner?.sinceMs ?? stat.modifiedMs, owner }
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined
    throw error
  }
}

/** All in the folder but our own. */
export async function readOtherOwners(
  fileSystem: FileSystem,
  root: string,
  self: ProcessIdentity,
): Promise<FoundOwner[]> {
  const found: FoundOwner[] = []
  for (const name of await fileSystem.list(root)) {
    if (join(root, name) === ownerPath(root, self)) continue
    const owner = await readOwnerFile(fileSystem, root, name)
    if (owner !== undefined) found.push(owner)
  }
  return found
}

export function isSelf(owner: Owner, self: ProcessIdentity): boolean {
  return owner.pid === self.pid && owner.boot === self.boot && isSameStart(owner.start, self.start)
}

/** Knows the owners that the system can tell about. */
export class OwnerJudge {
  readonly #processes: ProcessTable
  readonly #self: ProcessIdentity

  constructor(processes: ProcessTable, self: ProcessIdentity) {
    this.#processes = processes
    this.#self = self
  }

  async stateOf(found: FoundOwner): Promise<OwnerState> {
    const { owner } = found
    if (owner !== undefined && owner.boot !== this.#self.boot) {
      return owner.host === this.#self.host ? 'dead' : 'unknown'
    }
    if (found.namespace !== this.#self.namespace) return 'unknown'
    const process = await this.#processes.find(found.pid)
    if (process.kind === 'none') return 'dead'
    if (owner === undefined || process.start === undefined) return 'running'
    return isSameStart(process.start, owner.start) ? 'running' : 'dead'
  }

  /**
   * Whether the holder of the lock may remove the file. Not while any process has its number, even if it is
   * not the owner: that process may be about to put a file of its own in this one's place.
   */
  async isLitter(found: FoundOwner, clock: Clock): Promise<boolean> {
    const state = await this.stateOf(found)
    if (state === 'unknown') return clock.now() - found.sinceMs > unknownAgeMs
    if (state === 'running') return false
    return found.namespace !== this.#self.namespace || (await this.#processes.find(found.pid)).kind === 'none'
  }
}

function parseOwner(bytes: Buffer): Owner | undefined {
  try {
    const parsed: unknown = JSON.parse(bytes.toString('utf8'))
    return isOwner(parsed) ? parsed : undefined
  } catch {
    return undefined
  }
}

function isOwner(value: unknown): value is Owner {
  if (typeof value !== 'object' || value === null) return false
  const owner = value as Partial<Record<keyof Owner, unknown>>
  const texts = [owner.start, owner.boot, owner.host, owner.namespace, owner.program]
  return (
    texts.every((text) => typeof text === 'string') &&
    Number.isSafeInteger(owner.pid) &&
    Number.isFinite(owner.sinceMs) &&
    (owner.backing === 'level' || owner.backing === 'none')
  )
}
