import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Clock } from '@varve/pack/base'
import { type FileSystem, NodeFileSystem } from '@varve/pack/fs'
import { MemoryFileSystem } from '@varve/pack/testing'
import type { Store, StoreEvent, WriterOptions } from '@varve/store'
import { openStore } from '@varve/store/internal'
import { expect } from 'vitest'
import { FileLetters } from './file-letters.ts'
import { leftovers } from './leftovers.ts'
import { listFiles } from './list-files.ts'
import { expectLowerAlone } from './lower-alone.ts'
import { readRefs } from './read-whole.ts'

/** In memory with the collector on this thread, or on the disk with the collector in its own. */
export type Place = 'memory' | 'disk'

export const places: readonly Place[] = ['memory', 'disk']

export interface TempStoreOptions extends Omit<WriterOptions, 'now' | 'onEvent' | 'signal'> {
  /** Default 'memory'. */
  readonly place?: Place
  /** Puts something between the store and its files. */
  readonly wrap?: (inner: FileSystem) => FileSystem
  /** For all but the wall time. */
  readonly clock?: Clock
  /** From its first opening on. Default false. */
  readonly isLayered?: boolean
}

/** The wall time at which every test begins. */
export const firstNow = 1_700_000_000_000

/**
 * A store that belongs to one test, its folder, and its clock. Whoever uses `withStore` gets, at the end, the
 * checks that every store must pass.
 */
export class TempStore {
  readonly place: Place
  readonly folder: string
  /** Where its lower layer is, if it has one. */
  readonly lower: string
  /** Without what `wrap` has put in between. */
  readonly disk: FileSystem
  readonly files: FileLetters
  readonly events: StoreEvent[] = []
  /** Wall time in ms. A test moves it. */
  now: number = firstNow
  readonly #options: TempStoreOptions
  readonly #parent: string | undefined
  #store: Store | undefined

  private constructor(options: TempStoreOptions, folder: string, parent: string | undefined) {
    this.#options = options
    this.#parent = parent
    this.place = options.place ?? 'memory'
    this.folder = folder
    this.lower = join(folder, '..', 'lower')
    this.disk = this.place === 'memory' ? new MemoryFileSystem() : new NodeFileSystem()
    this.files = new FileLetters(this.place, async () => {
      const isThere = (await this.disk.stat(this.lower)) !== undefined
      const below = isThere ? await listFiles(this.disk, this.lower) : []
      return [...(await this.disk.list(folder)), ...below]
    })
  }

  static async create(options: TempStoreOptions = {}): Promise<TempStore> {
    const parent = options.place === 'disk' ? await mkdtemp(join(tmpdir(), 'varve-test-')) : undefined
    const temp = new TempStore(options, join(parent ?? '/', 'store'), parent)
    // Each later opening knows it from control.
    await temp.open(options.isLayered === true ? { lower: temp.lower } : {})
    return temp
  }

  get store(): Store {
    expect(this.#store, 'the store is open').toBeDefined()
    return this.#store as Store
  }

  get isLayered(): boolean {
    return this.#options.isLayered === true
  }

  get isOpen(): boolean {
    return this.#store !== undefined
  }

  async open(options: WriterOptions = {}): Promise<Store> {
    expect(this.#store, 'the store is closed').toBeUndefined()
    const { place, wrap, clock, isLayered: _, ...rest } = this.#options
    const fileSystem = wrap === undefined ? this.disk : wrap(this.disk)
    this.#store = await openStore(
      this.folder,
      {
        author: 'tester',
        ...rest,
        ...options,
        now: () => this.now,
        onEvent: (event) => void this.events.push(event),
      },
      place === 'disk'
        ? { fileSystem, clock }
        : { fileSystem, clock, memoryKey: this.disk, collectorWhere: 'inline' },
    )
    return this.#store
  }

  async close(): Promise<void> {
    const store = this.#store
    this.#store = undefined
    await store?.close()
  }

  async reopen(options: WriterOptions = {}): Promise<Store> {
    await this.close()
    return this.open(options)
  }

  /**
   * What holds for every store at the end of a test: a check finds nothing; what its refs name is whole,
   * before and after it is opened again; nothing had to be repaired; no file is left that control does not
   * name, and no handle.
   */
  async check(): Promise<void> {
    if (!this.isOpen) await this.open()
    const before = await readRefs(this.store)
    const { findings } = await this.store.check({ full: true })
    expect(findings, 'what a check finds').toEqual([])
    await this.reopen()
    expect(await readRefs(this.store)).toEqual(before)
    await this.close()
    // Projections in memory go with each closing.
    const expected = this.place === 'memory' ? ['gc', 'projections-rebuilt'] : ['gc']
    const unexpected = this.events.filter(({ type }) => !expected.includes(type))
    expect(unexpected, 'nothing had to be repaired').toEqual([])
    await this.checkLeftovers()
    await expectLowerAlone(this.disk, this.folder)
    this.checkHandles()
  }

  /** Of a closed store. */
  async checkLeftovers(): Promise<void> {
    const strange = await leftovers(this.disk, this.folder)
    expect(strange, 'files that control does not name').toEqual([])
  }

  checkHandles(): void {
    if (this.disk instanceof MemoryFileSystem) expect(this.disk.openHandles()).toEqual([])
  }

  async remove(): Promise<void> {
    await this.close()
    if (this.#parent !== undefined) await rm(this.#parent, { recursive: true, force: true })
  }
}

/** Runs a test over a new store and, if it passes, the checks of `TempStore.check`. */
export async function withStore(
  options: TempStoreOptions,
  body: (temp: TempStore) => Promise<void>,
): Promise<void> {
  const temp = await TempStore.create(options)
  try {
    await body(temp)
    await temp.check()
  } finally {
    await temp.remove()
  }
}
