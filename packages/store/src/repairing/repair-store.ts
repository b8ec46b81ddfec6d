/**
 * Makes a store whole as far as that can be done: first the files, under the store's lock and while nobody
 * has it open; then, through the store itself, objects and refs. Without `apply` it is only said what would
 * be done.
 */
import { loadXxh64 } from '@varve/pack/base'
import { VarveError } from '@varve/pack/errors'
import { type FileSystem, hasCode } from '@varve/pack/fs'
import { hexToRaw } from '@varve/pack/objects'
import { type ControlState, readControl } from '@varve/pack/pack'
import type { WithProgress } from '../api/index.ts'
import {
  closeRooms,
  FollowingRooms,
  openRooms,
  readingOptions,
  type StorePlatform,
  type StoreRooms,
  storeOptions,
} from '../assembly/index.ts'
import { type Examined, examineFolder, openTail, volumeLayers } from '../checking/index.ts'
import { acquireStoreLock } from '../kv/index.ts'
import { openFailure } from '../opening/index.ts'
import { bodyFrom, type Donor } from './donor.ts'
import {
  copiesInLayers,
  type FileCopies,
  type LayerPlace,
  lowerOf,
  type StoreState,
  sameFiles,
} from './duplicates/index.ts'
import { type BodySource, chunkMends, type FileMends, shutChunks } from './mending/index.ts'
import { moveRefs, refMoves } from './move-refs.ts'
import { FileRepair } from './repair-files.ts'
import { fileSteps, objectSteps, remainingOf } from './repair-plan.ts'
import type { RepairReport, RepairStep } from './repair-step.ts'
import { restoreObject } from './restore-objects.ts'

export interface RepairOptions extends WithProgress {
  /** Default: only a plan. */
  readonly apply?: boolean | undefined
  /** Path of a store, a copy of this one or any other, from which files and objects are taken. */
  readonly from?: string | undefined
}

/**
 * @throws NO_STORE, NEWER_FORMAT, STORE_LOCKED (with `apply`), ABORTED, WRITER_FAILED, READ_ONLY_FOLDER,
 * GC_FAILED (the thread of the check died, or the disk fails)
 */
export async function repairStore(
  path: string,
  o: RepairOptions = {},
  platform: StorePlatform = {},
): Promise<RepairReport> {
  const repair = new Repair(path, o, platform)
  try {
    return await repair.run()
  } catch (error) {
    throw openFailure(error, path)
  } finally {
    await repair.close()
  }
}

/** Another store, of which it is known what in it is whole. */
interface CopySource extends Donor {
  /** Files of it that are those of this store too: of a copy of it, that is. */
  readonly files: FileCopies
  readonly layers: ReadonlyMap<string, LayerPlace>
  readonly rooms: FollowingRooms
}

/** What files can be made of. */
interface FileSources {
  readonly copies: FileCopies
  readonly mends: FileMends
  readonly shut: ReadonlySet<string>
}

class Repair {
  readonly #path: string
  readonly #o: RepairOptions
  readonly #platform: StorePlatform
  readonly #fs: FileSystem
  #folder = ''
  #source: CopySource | undefined
  readonly #setAside: string[] = []

  constructor(path: string, o: RepairOptions, platform: StorePlatform) {
    this.#path = path
    this.#o = o
    this.#platform = platform
    this.#fs = storeOptions(path, {}, platform).fs
  }

  async run(): Promise<RepairReport> {
    await loadXxh64()
    this.#folder = await this.#fs.realPath(this.#path)
    const { from, apply = false } = this.#o
    const control = await this.#control()
    if (from !== undefined) this.#source = await this.#openSource(from, control)
    const examined = await this.#examine()
    if (!apply) return this.#plan(examined, control)
    const taken = await this.#repairFiles(examined, control)
    // What was restored may show that an index was made from less.
    const again = taken.length > 0 ? await this.#examine() : examined
    const more = taken.length > 0 ? await this.#repairFiles(again, control) : []
    const whole = more.length > 0 ? await this.#examine() : again
    const done = [...taken, ...more, ...(await this.#repairObjects(whole))]
    const after = done.length > 0 ? await this.#examine() : examined
    return { applied: true, steps: done, remaining: remainingOf(after, []), setAside: this.#setAside }
  }

  async #plan(examined: Examined, control: ControlState | undefined): Promise<RepairReport> {
    const sources = await this.#sources(examined, control)
    const files = fileSteps({ examined, ...sources })
    const isAll = ({ file = '' }: RepairStep): boolean => sources.mends.get(file)?.isAll ?? true
    const restoring = files.filter((step) => step.action === 'restore' && isAll(step))
    const restored = new Set(restoring.flatMap(({ file }) => file ?? []))
    // Nothing is put into a store that does not open, and goes on not to.
    const isFutile = files.length === 0 && !(await this.#opens())
    const steps = isFutile ? [] : [...files, ...(await this.#planObjects(examined, restored))]
    return { applied: false, steps, remaining: remainingOf(examined, steps, sources.mends), setAside: [] }
  }

  async close(): Promise<void> {
    await this.#source?.rooms.close()
  }

  async #examine(): Promise<Examined> {
    const { signal, onProgress } = this.#o
    const { fileSystem, collectorWhere: where, clock } = this.#platform
    return examineFolder(this.#path, { signal, onProgress }, { fileSystem, where, clock })
  }

  async #control(): Promise<ControlState | undefined> {
    try {
      return (await readControl(this.#fs, this.#folder)).state
    } catch (error) {
      if (VarveError.is(error, 'CORRUPT')) return undefined
      throw error
    }
  }

  /** What would be done about objects and refs, as far as the store can be read at all. */
  async #planObjects(examined: Examined, restored: ReadonlySet<string>): Promise<RepairStep[]> {
    return this.#withOwn(async (own, donors) => {
      const { steps, hopeless } = objectSteps({ examined, donors }, restored)
      if (own === undefined || hopeless.length === 0) return steps
      return [...steps, ...(await this.#refMoves(own, examined))]
    })
  }

  /** With the store opened to be read, if that can be done, and all from whom objects may come. */
  async #withOwn<T>(
    work: (own: FollowingRooms | undefined, donors: readonly Donor[]) => Promise<T>,
  ): Promise<T> {
    const own = await this.#openOwn()
    try {
      const mine = own === undefined ? [] : [{ path: this.#folder, objects: own.objects }]
      return await work(own, [...mine, ...(this.#source === undefined ? [] : [this.#source])])
    } finally {
      await own?.close()
    }
  }

  /** `undefined`: it does not even open to be read. */
  async #openOwn(): Promise<FollowingRooms | undefined> {
    try {
      return await FollowingRooms.open(readingOptions(this.#folder, { readOnly: true }, this.#platform))
    } catch (error) {
      if (VarveError.is(error, 'CORRUPT') || hasCode(error, 'EIO')) return undefined
      throw error
    }
  }

  /**
   * Files that lie whole elsewhere, in the store's other layer or else in the copy, and what can be mended of
   * damaged chunks.
   */
  async #sources(examined: Examined, control: ControlState | undefined): Promise<FileSources> {
    if (control === undefined) return { copies: new Map(), mends: new Map(), shut: new Set() }
    const damaged = new Set(examined.report.findings.map(({ file }) => file))
    const isDamaged = (file: string): boolean => damaged.has(file)
    const layers = await this.#layers({ folder: this.#folder, control })
    const own = copiesInLayers(layers, { from: this.#folder, isWhole: (file) => !isDamaged(file) })
    const storeId = Buffer.from(control.storeId, 'hex')
    const known = { damaged: examined.result.findings, named: examined.result.named }
    const mends = await this.#withOwn((_, donors) => {
      const bodyOf: BodySource = (kind, hash) => bodyFrom(donors, { kind, hash, own: this.#folder })
      return chunkMends(this.#fs, { ...known, storeId, layers, bodyOf, copy: this.#source })
    })
    const copies = new Map([...(this.#source?.files ?? []), ...own])
    return { copies, mends, shut: await shutChunks(this.#fs, { storeId, layers, isDamaged }) }
  }

  /** The steps that could be taken. */
  async #repairFiles(examined: Examined, control: ControlState | undefined): Promise<RepairStep[]> {
    const sources = await this.#sources(examined, control)
    const steps = fileSteps({ examined, ...sources })
    if (control === undefined || steps.length === 0) return []
    const { clock, memoryKey } = storeOptions(this.#path, {}, this.#platform)
    const lock = await acquireStoreLock({ fileSystem: this.#fs, root: this.#folder, clock, memoryKey })
    try {
      const folder = this.#folder
      const lower = lowerOf({ folder, control })
      const layers = await this.#layers({ folder, control })
      const where = this.#platform.collectorWhere
      const files = new FileRepair({ fs: this.#fs, folder, lower, control, layers, ...sources, where })
      const taken: RepairStep[] = []
      for (const step of steps) if (await isTaken(files, step)) taken.push(step)
      this.#setAside.push(...files.setAside)
      return taken
    } finally {
      await lock.release()
    }
  }

  async #layers({ folder, control }: StoreState): Promise<Map<string, LayerPlace>> {
    const { layers } = await volumeLayers(this.#fs, control, lowerOf({ folder, control }))
    const { length: openLength } = await openTail(this.#fs, folder, control)
    const chunks = control.chunks.map((chunk) => ({ ...chunk, length: chunk.length ?? openLength }))
    const upper = { folder, chunks, segments: control.segments }
    return new Map<string, LayerPlace>([['', upper], ...layers.map((l) => [l.prefix, l] as const)])
  }

  async #repairObjects(examined: Examined): Promise<RepairStep[]> {
    const { wanted } = examined.result
    if (!wanted.some(({ prefix }) => prefix === '') || !(await this.#opens())) return []
    const put = await this.#withStore((rooms) => this.#putAgain(rooms, examined))
    const rest = await this.#examine()
    if (!rest.result.wanted.some(({ prefix }) => prefix === '')) return put
    const moved = await this.#withStore(async (rooms) => {
      const moves = await this.#refMoves(rooms, rest)
      await moveRefs(rooms, moves)
      return moves
    })
    return [...put, ...moved]
  }

  /** Of refs that can be moved. */
  async #refMoves(rooms: FollowingRooms | StoreRooms, { result }: Examined): Promise<RepairStep[]> {
    const { control, space } = rooms.files
    const log = { fs: this.#fs, folder: this.#folder, control, end: space.end }
    const steps = await refMoves(rooms, log, new Set(result.broken))
    return steps.filter(({ after }) => after !== undefined)
  }

  async #putAgain(rooms: StoreRooms, examined: Examined): Promise<RepairStep[]> {
    const own = { path: this.#folder, objects: rooms.objects }
    const donors = this.#source === undefined ? [own] : [own, this.#source]
    const { steps } = objectSteps({ examined, donors }, new Set())
    const done: RepairStep[] = []
    for (const step of steps) {
      const wanted = examined.result.wanted.find(({ hash }) => hash === step.hash)
      if (wanted === undefined) continue
      const object = { kind: wanted.kind, hash: hexToRaw(wanted.hash) }
      if (await restoreObject(rooms, donors, object)) done.push(step)
    }
    await rooms.log.sync()
    return done
  }

  /** Whether it opens for writing; what keeps it from that is among the findings. */
  async #opens(): Promise<boolean> {
    const own = await this.#openOwn()
    await own?.close()
    return own !== undefined
  }

  async #withStore<T>(work: (rooms: StoreRooms) => Promise<T>): Promise<T> {
    const rooms = await openRooms(storeOptions(this.#folder, { create: 'never' }, this.#platform))
    try {
      return await work(rooms)
    } finally {
      await closeRooms(rooms)
    }
  }

  async #openSource(from: string, own: ControlState | undefined): Promise<CopySource> {
    const rooms = await FollowingRooms.open(readingOptions(from, { readOnly: true }, this.#platform))
    try {
      const { fileSystem, collectorWhere: where, clock } = this.#platform
      const { signal, onProgress } = this.#o
      const { report } = await examineFolder(from, { signal, onProgress }, { fileSystem, where, clock })
      const copy = { folder: rooms.folder, control: rooms.files.control }
      const same = own && (await sameFiles(this.#fs, { folder: this.#folder, control: own }, copy))
      const { folder: path, objects } = rooms
      const damaged = new Set(report.findings.map(({ file }) => file))
      const whole = [...(same ?? [])].filter(([file]) => !damaged.has(file))
      const files = new Map(whole.map(([file, place]) => [file, { path: place, from: path }] as const))
      return { path, objects, files, layers: await this.#layers(copy), rooms }
    } catch (error) {
      await rooms.close()
      throw error
    }
  }
}

/** A file that could not be made whole is as it was, and stays among the findings. */
async function isTaken(files: FileRepair, step: RepairStep): Promise<boolean> {
  try {
    await files.take(step)
    return true
  } catch (error) {
    if (VarveError.is(error, 'CORRUPT')) return false
    throw error
  }
}
