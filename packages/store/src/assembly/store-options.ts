/** The options of opening, checked, with their defaults: the one place where these stand. */

import { randomBytes } from 'node:crypto'
import { fileURLToPath } from 'node:url'
import { type Clock, parseDuration, systemClock } from '@varve/pack/base'
import { listenerOf, VarveError } from '@varve/pack/errors'
import { type FileSystem, NodeFileSystem } from '@varve/pack/fs'
import type { StoreEvent, WriterOptions } from '../api/index.ts'
import type { CreateMode } from '../opening/index.ts'

/** Memory for blocks of pack, map, and index files. More makes reads of a larger working set fast. */
const CACHE_BYTES_DEFAULT = 64 * 1024 * 1024
const AUTHOR_DEFAULT = ''
/** As far as a `Date` reaches, ms since 1970. */
const TIME_MAX = 8.64e15

/** What tests and tools may put in place of the platform. */
export interface StorePlatform {
  readonly fileSystem?: FileSystem | undefined
  /** Stands for a file system in memory: lock and projections then live in memory too. */
  readonly memoryKey?: object | undefined
  readonly clock?: Clock | undefined
  readonly random?: ((size: number) => Buffer) | undefined
  /** Where collections and index building run. Default: a thread where the file system can cross to one. */
  readonly collectorWhere?: 'thread' | 'inline' | undefined
  /** Size at which a chunk is sealed, bytes. */
  readonly chunkBytes?: number | undefined
}

export interface StoreOptions {
  readonly folder: string
  readonly create: CreateMode
  readonly lockWaitMs: number
  readonly signal: AbortSignal | undefined
  readonly cacheBytes: number
  readonly durability: 'commit' | 'flush'
  readonly author: string
  readonly onEvent: (event: StoreEvent) => void
  readonly fs: FileSystem
  readonly clock: Clock
  readonly random: (size: number) => Buffer
  readonly memoryKey: object | undefined
  readonly collectorWhere: 'thread' | 'inline' | undefined
  readonly chunkBytes: number | undefined
}

/** @throws OPTION_MISMATCH naming the option that makes no sense */
export function storeOptions(path: string | URL, o: WriterOptions, platform: StorePlatform): StoreOptions {
  const clock = platform.clock ?? systemClock
  const { now } = o
  const lockWaitMs = parseDuration(o.lock?.wait ?? 0)
  demand(lockWaitMs !== undefined, 'lock')
  const cacheBytes = o.cacheBytes ?? CACHE_BYTES_DEFAULT
  demand(Number.isSafeInteger(cacheBytes) && cacheBytes >= 0, 'cacheBytes')
  const durability = o.durability ?? 'commit'
  demand(durability === 'commit' || durability === 'flush', 'durability')
  return {
    folder: typeof path === 'string' ? path : fileURLToPath(path),
    create: createMode(o.create),
    lockWaitMs: lockWaitMs ?? 0,
    signal: o.signal,
    cacheBytes,
    durability,
    author: o.author ?? AUTHOR_DEFAULT,
    onEvent: listenerOf(o.onEvent),
    fs: platform.fileSystem ?? new NodeFileSystem(),
    clock: now === undefined ? clock : clockWith(clock, now),
    random: platform.random ?? randomBytes,
    memoryKey: platform.memoryKey,
    collectorWhere: platform.collectorWhere,
    chunkBytes: platform.chunkBytes,
  }
}

function createMode(create: WriterOptions['create']): CreateMode {
  if (create === undefined || create === 'if-missing') return 'if-missing'
  if (create === 'never' || create === 'must') return create
  demand(typeof create === 'object' && (create.hash ?? 'sha256') === 'sha256', 'create')
  return 'if-missing'
}

/** The caller's wall clock, our own for all else. */
function clockWith(clock: Clock, now: () => number): Clock {
  demand(isTime(now()), 'now')
  return {
    now: () => Math.floor(now()),
    monotonic: () => clock.monotonic(),
    sleep: (ms, signal) => clock.sleep(ms, signal),
    turn: () => clock.turn(),
    after: (ms, fn) => clock.after(ms, fn),
  }
}

/** Whether the log can hold it: ms since 1970. */
function isTime(ms: number): boolean {
  return ms >= 0 && ms <= TIME_MAX
}

function demand(condition: boolean, option: string): void {
  if (!condition) throw new VarveError('OPTION_MISMATCH', { option })
}
