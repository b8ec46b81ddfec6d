/**
 * What a report about a store needs: facts about its files and its surroundings, and nothing that anybody has
 * stored in it, no name of a branch either. Takes no lock and changes nothing.
 */
import { dirname, resolve } from 'node:path'
import { loadXxh64 } from '@varve/pack/base'
import { VarveError } from '@varve/pack/errors'
import { type FileSystem, NodeFileSystem } from '@varve/pack/fs'
import { classifyFile, fileName, isLeftover, type StoreFile } from '@varve/pack/layout'
import { type ControlState, namedFiles, readControl } from '@varve/pack/pack'
import type { StoreStats } from './api/index.ts'
import type { StorePlatform } from './assembly/index.ts'
import { findWriter, type Writer } from './kv/index.ts'
import { newerChunk, readFailure } from './opening/index.ts'
import { openReadOnly } from './read-only-store.ts'

/** Where Linux says which file systems there are. */
const MOUNTS = '/proc/self/mounts'
/** At most so many events of an opening are told. */
const EVENTS_MAX = 100

export interface FileFact {
  readonly name: string
  readonly bytes: number
}

export interface StoreFacts {
  readonly path: string
  /** `undefined`: it cannot be read; see `failures`. */
  readonly control:
    | (Pick<ControlState, 'format' | 'storeId' | 'hashAlgorithm' | 'sequence' | 'writerTerm' | 'epoch'> &
        Pick<ControlState, 'fileCounter' | 'retire' | 'lower' | 'chunks' | 'segments' | 'checkpoint'> & {
          readonly volumes: readonly { readonly id: number; readonly low: number; readonly high: number }[]
          readonly wholeCopies: number
        })
    | undefined
  /** Who has it open for writing. */
  readonly writer: Writer | undefined
  readonly files: readonly FileFact[]
  /** That control names and that are not there; without indexes, which are made anew. */
  readonly missing: readonly string[]
  /** That the next opening for writing deletes. */
  readonly leftovers: readonly FileFact[]
  /** That a repair has set aside, or that are nobody's: never touched. */
  readonly others: readonly FileFact[]
  readonly lowerIsThere: boolean | undefined
  readonly freeBytes: number | undefined
  /** As the system calls it: 'ext4'. */
  readonly fileSystem: string | undefined
  /** Types and places of what an opening to read tells. */
  readonly events: readonly object[]
  readonly stats: StoreStats | undefined
  /** What could not be looked at, and why. */
  readonly failures: readonly string[]
  /** What to do. */
  readonly hints: readonly string[]
}

/** @throws NO_STORE, READ_ONLY_FOLDER */
export async function storeFacts(path: string, platform: StorePlatform = {}): Promise<StoreFacts> {
  try {
    return await factsOf(path, platform)
  } catch (error) {
    throw readFailure(error, path)
  }
}

async function factsOf(path: string, platform: StorePlatform): Promise<StoreFacts> {
  await loadXxh64()
  const fs = platform.fileSystem ?? new NodeFileSystem()
  const folder = await fs.realPath(path)
  const failures: string[] = []
  const attempt = async <T>(what: string, look: () => Promise<T>): Promise<T | undefined> => {
    try {
      return await look()
    } catch (error) {
      if (VarveError.is(error, 'NO_STORE')) throw error
      failures.push(`${what}: ${error instanceof Error ? error.message : String(error)}`)
      return undefined
    }
  }
  const control = await attempt('control', () => readControl(fs, folder))
  const events: object[] = []
  const stats = await attempt('opening to read', () => openedStats(folder, platform, events))
  const files = await filesIn(fs, folder)
  const named = control?.state
  const sorted = named === undefined ? { leftovers: [], others: [] } : sortedFiles(files, named)
  const lower = named?.lower ?? undefined
  const facts = {
    path: folder,
    control: control === undefined ? undefined : summary(control.state, control.wholeCopies),
    writer: await attempt('who writes', () => findWriter(folder, { fileSystem: fs })),
    files,
    missing: named === undefined ? [] : missingOf(files, named),
    ...sorted,
    lowerIsThere: lower === undefined ? undefined : (await fs.stat(resolve(folder, lower))) !== undefined,
    freeBytes: await attempt('free space', () => fs.freeBytes(folder)),
    fileSystem: await mountOf(fs, folder),
    events,
    stats,
    failures,
  }
  const names = files.map(({ name }) => name)
  const newer = named === undefined ? undefined : await newerChunk(fs, folder, named, names)
  return { ...facts, hints: hintsFor(facts, newer) }
}

async function openedStats(folder: string, platform: StorePlatform, events: object[]): Promise<StoreStats> {
  const onEvent = (event: { readonly type: string }): void => {
    if (events.length < EVENTS_MAX) events.push(event)
  }
  const store = await openReadOnly(folder, { readOnly: true, onEvent }, platform)
  try {
    return store.stats()
  } finally {
    await store.close()
  }
}

function summary(control: ControlState, wholeCopies: number): StoreFacts['control'] {
  const { format, storeId, hashAlgorithm, sequence, writerTerm, epoch, fileCounter } = control
  const { retire, lower, chunks, segments, checkpoint } = control
  const volumes = control.volumes.map(({ id, low, high }) => ({ id, low, high }))
  return {
    ...{ format, storeId, hashAlgorithm, sequence, writerTerm, epoch, fileCounter },
    ...{ retire, lower, chunks, segments, checkpoint, volumes, wholeCopies },
  }
}

/** The folder's own files; what lies in its folders is LevelDB's, or a volume's. */
async function filesIn(fs: FileSystem, folder: string): Promise<FileFact[]> {
  const files: FileFact[] = []
  for (const name of await fs.list(folder)) {
    const stat = await fs.stat(`${folder}/${name}`)
    if (stat?.kind === 'file') files.push({ name, bytes: stat.size })
  }
  return files
}

function sortedFiles(
  files: readonly FileFact[],
  control: ControlState,
): Pick<StoreFacts, 'leftovers' | 'others'> {
  const named = namedFiles(control)
  const kinds = files.map((file) => ({ file, kind: classifyFile(file.name) as StoreFile }))
  return {
    leftovers: kinds.filter(({ kind }) => isLeftover(kind, named)).map(({ file }) => file),
    others: kinds
      .filter(({ file, kind }) => kind.kind === 'unknown' && !file.name.startsWith('lock-owner-'))
      .map(({ file }) => file),
  }
}

function missingOf(files: readonly FileFact[], { chunks, segments, checkpoint }: ControlState): string[] {
  const there = new Set(files.map(({ name }) => name))
  return [
    ...chunks.map(({ number }) => fileName.chunk(number)),
    ...segments.flatMap(({ number }) => [fileName.segment(number), fileName.segmentMap(number)]),
    ...(checkpoint === null ? [] : [fileName.checkpoint(checkpoint.number)]),
  ].filter((name) => !there.has(name))
}

/** The mount of the longest path above the folder. */
async function mountOf(fs: FileSystem, folder: string): Promise<string | undefined> {
  try {
    const lines = (await fs.readFile(MOUNTS)).toString('utf8').split('\n')
    const types = new Map(lines.map((line) => line.split(' ')).map(([, at = '', type]) => [at, type]))
    for (let at = folder; ; at = dirname(at)) {
      const type = types.get(at)
      if (type !== undefined || at === dirname(at)) return type
    }
  } catch {
    // Not on this system.
    return undefined
  }
}

/** @param newer a chunk that control should name */
function hintsFor(facts: Omit<StoreFacts, 'hints'>, newer: string | undefined): string[] {
  const { control, writer, missing, leftovers, others, freeBytes, files, events, lowerIsThere } = facts
  const hints: string[] = []
  const bytes = files.reduce((sum, file) => sum + file.bytes, 0)
  const isDamaged = events.some((event) => 'type' in event && event.type === 'damaged')
  if (control === undefined) {
    hints.push('control cannot be read: keep this folder as it is, and go on with a whole copy of the store')
    hints.push('an older control in its place would have all files deleted that it does not name')
  }
  if (missing.length > 0) hints.push('files are missing: put them back, or varve repair --from a copy')
  if (isDamaged || (control?.wholeCopies ?? 2) < 2) hints.push('something is damaged: varve check says what')
  if (lowerIsThere === false) hints.push('the lower layer is away: what is archived cannot be read')
  if (newer !== undefined && writer === undefined)
    hints.push(`control is older than ${newer}: no opening for writing takes it; go back to a whole copy`)
  else if (leftovers.length > 0 && writer === undefined)
    hints.push(
      `${leftovers.length} files are left over from a crash: the next opening for writing deletes them`,
    )
  if (others.some(({ name }) => /\.damaged-\d+$/.test(name)))
    hints.push('a repair has set files aside: remove them when they are not needed')
  if (freeBytes !== undefined && freeBytes < bytes)
    hints.push('less is free than the store holds: a collection may not find room')
  return hints
}
