import type { Clock } from '@varve/pack/base'
import { throwIfAborted, VarveError } from '@varve/pack/errors'
import { type FileSystem, NodeFileSystem } from '@varve/pack/fs'
import { type LevelDoor, loadLevel } from '../level-door.ts'
import { LevelStoreLock } from './level-store-lock.ts'
import { MemoryStoreLock } from './memory-store-lock.ts'
import { ProcessTable } from './process-table.ts'
import type { StoreLock } from './store-lock.ts'

export interface StoreLockOptions {
  readonly fileSystem: FileSystem
  /** The store's folder; it must be there. */
  readonly root: string
  readonly clock: Clock
  /** How long to wait for another writer, in ms. Default 0: not at all. */
  readonly waitMs?: number | undefined
  readonly signal?: AbortSignal | undefined
  /** For people: who holds the lock. Default: the title of the process. */
  readonly program?: string | undefined
  /** An object that stands for a file system in memory: with it, the lock is one of this thread. */
  readonly memoryKey?: object | undefined
  readonly door?: LevelDoor | undefined
  readonly processes?: ProcessTable | undefined
}

const firstPauseMs = 5
const pauseMsMax = 250

/**
 * Takes the writer lock of a store. Waits as long as allowed while another writer has it; never takes it
 * away.
 * @throws STORE_LOCKED, ABORTED, WRITER_FAILED, and what the file system throws.
 */
export async function acquireStoreLock(options: StoreLockOptions): Promise<StoreLock> {
  const { clock, waitMs = 0, signal } = options
  const root = await options.fileSystem.realPath(options.root)
  const deadline = clock.monotonic() + waitMs
  for (let pauseMs = firstPauseMs; ; pauseMs = Math.min(pauseMs * 2, pauseMsMax)) {
    throwIfAborted(signal)
    try {
      return await tryAcquire(options, root)
    } catch (error) {
      const leftMs = deadline - clock.monotonic()
      if (!VarveError.is(error, 'STORE_LOCKED') || leftMs <= 0) throw error
      // Not the same for all, so that two who refuse each other do not go on doing so.
      await clock.sleep(Math.min(pauseMs + (process.pid % 7), leftMs), signal)
    }
  }
}

async function tryAcquire(options: StoreLockOptions, root: string): Promise<StoreLock> {
  const { fileSystem, clock, memoryKey, program = process.title } = options
  if (memoryKey !== undefined) return MemoryStoreLock.tryAcquire(memoryKey, root, clock.now())
  const { door = loadLevel, processes = new ProcessTable(new NodeFileSystem()) } = options
  return LevelStoreLock.tryAcquire({ fileSystem, root, clock, program, door, processes })
}
