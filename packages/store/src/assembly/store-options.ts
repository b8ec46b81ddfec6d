/** The options of opening, checked, with their defaults: the one place where these stand. */

import { randomBytes } from 'node:crypto'
import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Clock, parseDuration, systemClock } from '@varve/pack/base'
import { checkOptions, listenerOf, optionRule, VarveError } from '@varve/pack/errors'
import { type FileSystem, NodeFileSystem } from '@varve/pack/fs'
import {
  type ReaderOptions,
  readerRules,
  type StoreEvent,
  type WriterOptions,
  writerRules,
} from '../api/index.ts'
import type { CreateMode, LowerOption } from '../opening/index.ts'

/** Memory for blocks of pack, map, and index files. More makes reads of a larger working set fast. */
const CACHE_BYTES_DEFAULT = 64 * 1024 * 1024
/**
 * Of the memory for caches, the part that always belongs to blocks: fresh ends of the log, maps, indexes.
 * They have the rest too until it is filled with records that were read here and there.
 */
export const BLOCK_CACHE_PART = 0.25
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
  readonly lower: LowerOption | undefined
  readonly lockWaitMs: number
  readonly signal: AbortSignal | undefined
  readonly cacheBytes: number
  readonly durability: 'commit' | 'flush'
  readonly author: string
  readonly onEvent: (event: StoreEvent) => void
  readonly fs: FileSystem
  /** Its wall time never fails: while the caller's makes no sense it stands still. */
  readonly clock: Clock
  /**
   * The caller's wall time for what he sees, ms since 1970. @throws OPTION_MISMATCH when it makes no sense
   */
  readonly now: () => number
  readonly random: (size: number) => Buffer
  readonly memoryKey: object | undefined
  readonly collectorWhere: 'thread' | 'inline' | undefined
  readonly chunkBytes: number | undefined
}

/** Of an opening that only reads. */
export interface ReadingOptions
  extends Pick<
    StoreOptions,
    'folder' | 'lower' | 'signal' | 'cacheBytes' | 'onEvent' | 'fs' | 'clock' | 'random'
  > {
  readonly follow: boolean
}

/** @throws OPTION_MISMATCH naming the option that makes no sense; INVALID_PATH */
export function readingOptions(
  path: string | URL,
  o: ReaderOptions,
  platform: StorePlatform,
): ReadingOptions {
  checkOptions(o, readerRules)
  return {
    folder: folderOf(path),
    lower: lowerOption(o.lower),
    follow: o.follow ?? false,
    signal: o.signal,
    cacheBytes: o.cacheBytes ?? CACHE_BYTES_DEFAULT,
    onEvent: listenerOf(o.onEvent),
    fs: platform.fileSystem ?? new NodeFileSystem(),
    clock: platform.clock ?? systemClock,
    random: platform.random ?? randomBytes,
  }
}

/** @throws OPTION_MISMATCH naming the option that makes no sense; INVALID_PATH */
export function storeOptions(path: string | URL, o: WriterOptions, platform: StorePlatform): StoreOptions {
  checkOptions(o, writerRules)
  const clock = platform.clock ?? systemClock
  const now = timeOf(o.now ?? (() => clock.now()))
  return {
    folder: folderOf(path),
    create: createMode(o.create),
    lower: lowerOption(o.lower),
    lockWaitMs: lockWaitMs(o.lock),
    signal: o.signal,
    cacheBytes: o.cacheBytes ?? CACHE_BYTES_DEFAULT,
    durability: o.durability ?? 'commit',
    author: o.author ?? AUTHOR_DEFAULT,
    onEvent: listenerOf(o.onEvent),
    fs: platform.fileSystem ?? new NodeFileSystem(),
    clock: o.now === undefined ? clock : clockWith(clock, now),
    now,
    random: platform.random ?? randomBytes,
    memoryKey: platform.memoryKey,
    collectorWhere: platform.collectorWhere,
    chunkBytes: platform.chunkBytes,
  }
}

/** @throws INVALID_PATH for what names no folder on any disk */
function folderOf(path: string | URL): string {
  const hint = pathHint(path)
  if (hint !== undefined) throw new VarveError('INVALID_PATH', { path: String(path), hint }, { hint })
  return typeof path === 'string' ? path : fileURLToPath(path)
}

function pathHint(path: unknown): string | undefined {
  if (path instanceof URL) return path.protocol === 'file:' ? undefined : 'a store is at a file: URL'
  if (typeof path !== 'string') return "a store's path is text or a file: URL"
  return path.includes('\0') ? 'a path holds no NUL' : undefined
}

/** @throws OPTION_MISMATCH */
export function lowerOption(lower: WriterOptions['lower']): LowerOption | undefined {
  if (lower === undefined) return undefined
  const given = typeof lower === 'string' ? { path: lower } : lower
  const isObject = typeof given === 'object' && given !== null
  demand(isObject && Object.keys(given).every((name) => name === 'path' || name === 'missing'), 'lower')
  const { path, missing = 'read-upper-only' } = given
  demand(typeof path === 'string' && path !== '' && !path.includes('\0'), 'lower')
  demand(missing === 'refuse' || missing === 'read-upper-only', 'lower')
  return { path: resolve(path), missing }
}

function lockWaitMs(lock: WriterOptions['lock']): number {
  if (lock === undefined) return 0
  demand(isRecordOf(lock, 'wait'), 'lock')
  const { wait = 0 } = lock
  demand(optionRule.duration.fits(wait), 'lock')
  const ms = parseDuration(wait)
  demand(ms !== undefined, 'lock')
  return ms ?? 0
}

/** An object that has no other key than this one. */
function isRecordOf(value: unknown, key: string): boolean {
  return typeof value === 'object' && value !== null && Object.keys(value).every((each) => each === key)
}

function createMode(create: WriterOptions['create']): CreateMode {
  if (create === undefined || create === 'if-missing') return 'if-missing'
  if (create === 'never' || create === 'must') return create
  demand(isRecordOf(create, 'hash') && (create.hash ?? 'sha256') === 'sha256', 'create')
  return 'if-missing'
}

/** @throws OPTION_MISMATCH when it is asked for a time that no log can hold */
function timeOf(now: () => number): () => number {
  return () => {
    const ms = now()
    demand(isTime(ms), 'now')
    return Math.floor(ms)
  }
}

/**
 * The caller's wall clock, our own for all else. The log asks for the time in the middle of a write, which
 * must not fail because of it.
 */
function clockWith(clock: Clock, now: () => number): Clock {
  let last = now()
  const lastGood = (): number => {
    try {
      last = now()
    } catch {
      // Who commits is told.
    }
    return last
  }
  return {
    now: lastGood,
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
