import type { Store, StoreEvent, WriterOptions } from '@varve/store'
import { openStore } from '@varve/store/internal'
import { expect } from 'vitest'
import { FileLetters } from './file-letters.ts'
import { leftovers } from './leftovers.ts'
import { describe, readCommit, readRefs } from './read-whole.ts'
import type { Made } from './scenario.ts'
import type { TempStore } from './temp-store.ts'

/** A folder beside a test's store: of a copy, or a backup. */
export class SecondStore {
  readonly folder: string
  readonly files: FileLetters
  readonly events: StoreEvent[] = []
  readonly #temp: TempStore
  #store: Store | undefined

  constructor(temp: TempStore, name = 'second') {
    this.#temp = temp
    this.folder = temp.folder.replace(/store$/, name)
    this.files = new FileLetters(temp.place, () => temp.disk.list(this.folder))
  }

  get store(): Store {
    return this.#store as Store
  }

  async open(options: WriterOptions = {}): Promise<Store> {
    const { disk, place } = this.#temp
    const where = place === 'memory' ? { memoryKey: disk, collectorWhere: 'inline' as const } : {}
    const onEvent = (event: StoreEvent): void => void this.events.push(event)
    const given = { create: 'never', now: () => this.#temp.now, ...options, onEvent } as const
    this.#store = await openStore(this.folder, given, { fileSystem: disk, ...where })
    return this.#store
  }

  async close(): Promise<void> {
    const store = this.#store
    this.#store = undefined
    await store?.close()
  }

  /** Asserts that each can be found by its hash and holds all that it should. */
  async expectReadable(...commits: readonly Made[]): Promise<void> {
    for (const { commit, content } of commits) {
      const tree = await readCommit(this.store, commit.hash)
      const blobs = [...(tree ?? [])].filter(([, what]) => !what.startsWith('tree '))
      expect(new Map(blobs)).toEqual(new Map([...content].map(([path, text]) => [path, describe(text)])))
    }
  }

  /** What holds for a whole store: see `TempStore.check`. Leaves it closed. */
  async check(): Promise<void> {
    if (this.#store === undefined) await this.open()
    const before = await readRefs(this.store)
    await this.close()
    await this.open()
    expect(await readRefs(this.store)).toEqual(before)
    const { findings } = await this.store.check({ full: true })
    expect(findings).toEqual([])
    await this.close()
    const odd = this.events.filter(({ type }) => type !== 'gc' && type !== 'projections-rebuilt')
    expect(odd, 'nothing had to be repaired').toEqual([])
    // A backup has its lower layer beside its files.
    const strange = await leftovers(this.#temp.disk, this.folder)
    expect(strange.filter((name) => name !== 'lower')).toEqual([])
  }

  /** Whether anything has its name. */
  async isThere(): Promise<boolean> {
    return (await this.#temp.disk.stat(this.folder)) !== undefined
  }
}
