import { basename, dirname } from 'node:path'
import type { Clock } from '@varve/pack/base'
import { VarveError } from '@varve/pack/errors'
import type { FileSystem } from '@varve/pack/fs'
import { createOwnerFile, isSelf, type Owner, readOwnerFile, removeOwnerFile } from './owner-file.ts'

/** Releases by others on the way, each of which lets us look again. */
const programCharsMax = 100
const attemptsMax = 16
/** How far a file's times may be from the process's own idea of when it started. */
const timesToleranceMs = 2_000

/**
 * Makes our owner file. Only threads of this process, and copies of this module in it, contend for the name:
 * whoever has made it is the one in this process who may touch LevelDB, because a second opening, even a
 * refused one, would release the system's lock of the first without an error.
 *
 * A file that a dead process with our number has left is replaced. Two threads may find it at the same time,
 * and the slower must not remove what the faster has put in its place: only the one who made a second file,
 * whose name carries our start time and so cannot be left by anybody else, may remove the first.
 * @throws STORE_LOCKED
 */
export async function claimOwnership(
  fileSystem: FileSystem,
  path: string,
  { owner, clock }: { readonly owner: Owner; readonly clock: Clock },
): Promise<void> {
  const claim = { fileSystem, path, owner, clock }
  for (let attempt = 0; attempt < attemptsMax; attempt++) {
    if (await createOwnerFile(fileSystem, path, owner)) return
    const found = await examine(claim)
    if (found.kind === 'ours') throw lockedBy(owner.pid, found.sinceMs, owner.program)
    if (found.kind === 'stale') return replaceStale(claim)
  }
  throw lockedBy(owner.pid, clock.now(), owner.program)
}

/** @param program what the owner calls itself: text from a file, which goes to people */
export function lockedBy(pid: number, sinceMs: number, program = ''): VarveError<'STORE_LOCKED'> {
  const shown = program.replace(/\p{C}/gu, '?').slice(0, programCharsMax)
  return new VarveError('STORE_LOCKED', {
    ...{ pid, since: new Date(sinceMs) },
    ...(shown !== '' && { program: shown }),
  })
}

interface Claim {
  readonly fileSystem: FileSystem
  readonly path: string
  readonly owner: Owner
  readonly clock: Clock
}

async function replaceStale(claim: Claim): Promise<void> {
  const { fileSystem, path, owner, clock } = claim
  const permit = `${path}.claim-${owner.start.replaceAll(/[^a-z0-9]/g, '')}`
  if (!(await createOwnerFile(fileSystem, permit, owner)))
    throw lockedBy(owner.pid, clock.now(), owner.program)
  try {
    const found = await examine(claim)
    if (found.kind === 'ours') throw lockedBy(owner.pid, found.sinceMs, owner.program)
    if (found.kind === 'stale') await removeOwnerFile(fileSystem, path)
    if (!(await createOwnerFile(fileSystem, path, owner)))
      throw lockedBy(owner.pid, clock.now(), owner.program)
  } finally {
    await removeOwnerFile(fileSystem, permit)
  }
}

type Examined = { readonly kind: 'gone' | 'stale' } | { readonly kind: 'ours'; readonly sinceMs: number }

async function examine({ fileSystem, path, owner, clock }: Claim): Promise<Examined> {
  const found = await readOwnerFile(fileSystem, dirname(path), basename(path))
  if (found === undefined) return { kind: 'gone' }
  if (found.owner !== undefined) {
    return isSelf(found.owner, owner) ? { kind: 'ours', sinceMs: found.sinceMs } : { kind: 'stale' }
  }
  // Unreadable: another thread is writing it at this moment, or it is older than this process.
  const startedMs = clock.now() - process.uptime() * 1_000
  const isYoung = found.sinceMs > startedMs - timesToleranceMs
  return isYoung ? { kind: 'ours', sinceMs: found.sinceMs } : { kind: 'stale' }
}
