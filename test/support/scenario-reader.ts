import type { Commit, ReaderOptions, ReadOnlyStore, RefChange, StoreEvent } from '@varve/store'
import { openReadOnly } from '@varve/store/internal'
import { expect } from 'vitest'
import { describe, readTree } from './read-whole.ts'
import { expectCode, type Made } from './scenario.ts'
import type { TempStore } from './temp-store.ts'
import { Unwritable } from './unwritable.ts'

/**
 * Another instance of a scenario's store, which only reads; what it is told of the disk refuses to be
 * written.
 */
export class ScenarioReader {
  readonly store: ReadOnlyStore
  readonly disk: Unwritable
  readonly events: StoreEvent[]

  private constructor(store: ReadOnlyStore, disk: Unwritable, events: StoreEvent[]) {
    this.store = store
    this.disk = disk
    this.events = events
  }

  static async open(temp: TempStore, o: Partial<ReaderOptions> = {}): Promise<ScenarioReader> {
    const disk = new Unwritable(temp.disk)
    const events: StoreEvent[] = []
    const options = { ...o, readOnly: true, onEvent: (event: StoreEvent) => void events.push(event) } as const
    return new ScenarioReader(
      await openReadOnly(temp.folder, options, { fileSystem: disk.fileSystem }),
      disk,
      events,
    )
  }

  reload(): Promise<readonly RefChange[]> {
    return this.store.reload()
  }

  /** Asserts that each can be found by its hash, its prefix, and its tree, and holds all that it should. */
  async expectReadable(...commits: readonly Made[]): Promise<void> {
    for (const { commit, content } of commits) {
      const found = await this.store.getCommit(commit.hash)
      expect(found?.hash).toBe(commit.hash)
      const tree = await readTree((found as Commit).tree())
      const blobs = [...tree].filter(([, what]) => !what.startsWith('tree '))
      expect(new Map(blobs)).toEqual(new Map([...content].map(([path, text]) => [path, describe(text)])))
      expect((await this.store.resolve(commit.hash.slice(0, 20)))?.hash).toBe(commit.hash)
      expect(await this.store.getTree(commit.treeHash)).toBeDefined()
      for (const text of content.values()) expect(await this.store.getBlob(blobHash(text))).toBeDefined()
    }
  }

  /** Asserts that none is there, by whatever it may be asked for. */
  async expectAbsent(...commits: readonly Made[]): Promise<void> {
    for (const { commit } of commits) {
      expect(await this.store.getCommit(commit.hash)).toBeUndefined()
      expect(await this.store.resolve(commit.hash.slice(0, 20))).toBeUndefined()
      expect(await this.store.getTree(commit.treeHash)).toBeUndefined()
    }
  }

  /**
   * The same of what this instance has read before: a handle of then is refused, not answered with "absent".
   */
  async expectGone(handle: Commit, made: Made): Promise<void> {
    await this.expectAbsent(made)
    for (const path of made.content.keys()) await expectCode(handle.tree().get(path), 'COLLECTED')
  }

  async commit(made: Made): Promise<Commit> {
    return (await this.store.getCommit(made.commit.hash)) as Commit
  }

  /** It has asked for no writing, and told of nothing but reloads. */
  async close(): Promise<void> {
    await this.store.close()
    expect(this.disk.refused).toEqual([])
    expect(this.events.filter(({ type }) => type !== 'reloaded')).toEqual([])
  }
}

function blobHash(text: string): never {
  return describe(text).split(' ')[2] as never
}
