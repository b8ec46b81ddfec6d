import fc from 'fast-check'
import { beforeAll, describe, expect, it } from 'vitest'
import { loadXxh64 } from '../../base/index.ts'
import { FaultFileSystem, MemoryFileSystem, SeededRandom } from '../../testing/index.ts'
import { LogStore } from './testing/log-store.ts'

beforeAll(loadXxh64)

type Step =
  | { readonly kind: 'put'; readonly size: number; readonly count: number }
  | { readonly kind: 'write' | 'sync' | 'syncLater' | 'seal' | 'holdAndSync' | 'close' | 'turn' }
  /** The process dies, the system goes on. */
  | { readonly kind: 'kill' }
  | { readonly kind: 'powerCut'; readonly keep: 'none' | 'all' | 'prefix' | 'random'; readonly seed: number }
  /** The power goes at the given operation while a chunk is filled and sealed. */
  | { readonly kind: 'cutDuring'; readonly at: number; readonly seed: number }
  /** A failure of the given kind, then the program closes and opens again, then the power goes. */
  | {
      readonly kind: 'fault'
      readonly operation: 'write' | 'datasync' | 'sync' | 'syncFolder'
      readonly late: boolean
    }

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({ kind: fc.constant('put' as const), size: fc.nat(4000), count: fc.nat(4) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('put' as const), size: fc.nat(150_000), count: fc.nat(1) }),
  },
  {
    weight: 8,
    arbitrary: fc
      .constantFrom(...(['write', 'sync', 'syncLater', 'seal', 'holdAndSync', 'close', 'turn'] as const))
      .map((kind) => ({ kind })),
  },
  { weight: 1, arbitrary: fc.constant({ kind: 'kill' as const }) },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('powerCut' as const),
      keep: fc.constantFrom('none' as const, 'all' as const, 'prefix' as const, 'random' as const),
      seed: fc.nat(),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('cutDuring' as const),
      at: fc.integer({ min: 1, max: 16 }),
      seed: fc.nat(),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('fault' as const),
      operation: fc.constantFrom(
        'write' as const,
        'datasync' as const,
        'sync' as const,
        'syncFolder' as const,
      ),
      late: fc.boolean(),
    }),
  },
)

interface Put {
  readonly offset: number
  readonly body: Buffer
}

/**
 * The log against a list: whatever happens, opening finds a prefix of what was appended, with every byte
 * right, that holds at least what was acknowledged; and what opening has found, it finds again.
 */
class LogModel {
  readonly #memory: { current: MemoryFileSystem }
  readonly #faults: { current: FaultFileSystem }
  #store: LogStore
  #puts: Put[] = []
  /** How many of them survive a power cut for sure. */
  #durableCount = 0
  #count = 0
  readonly #pending: Promise<void>[] = []

  private constructor(memory: MemoryFileSystem, faults: FaultFileSystem, store: LogStore) {
    this.#memory = { current: memory }
    this.#faults = { current: faults }
    this.#store = store
  }

  static readonly options = { chunkBytes: 60_000, chunkRecordsMax: 40, unwrittenBytesMax: 200_000 }

  static async create(): Promise<LogModel> {
    const memory = new MemoryFileSystem()
    const faults = new FaultFileSystem(memory)
    return new LogModel(memory, faults, await LogStore.create(faults, LogModel.options))
  }

  async take(one: Step): Promise<void> {
    switch (one.kind) {
      case 'put':
        return this.#put(one.size, one.count)
      case 'write':
        return this.#store.log.write()
      case 'sync':
        return this.#sync()
      case 'syncLater':
        this.#pending.push(this.#sync())
        return
      case 'seal':
        return this.#seal()
      case 'holdAndSync':
        return this.#holdAndSync()
      case 'turn':
        return this.#store.clock.turn()
      case 'close':
        return this.#closeAndReopen()
      case 'kill':
        return this.#crash(this.#memory.current.crashImage({ keep: 'all' }))
      case 'powerCut': {
        const tear = [1, 512, 4096, 'none'] as const
        const { keep, seed } = one
        return this.#crash(this.#memory.current.crashImage({ keep, seed, tear: tear[seed % 4] ?? 'none' }))
      }
      case 'cutDuring':
        return this.#cutDuring(one.at, one.seed)
      case 'fault':
        return this.#fault(one.operation, one.late)
    }
  }

  async end(): Promise<void> {
    await this.#closeAndReopen()
    await this.#store.close()
    expect(this.#store.failures).toEqual([])
  }

  async #put(size: number, count: number): Promise<void> {
    while (this.#store.log.isBlocked) await this.#store.log.unblocked()
    for (let i = 0; i <= count; i++) {
      const body = new SeededRandom(this.#count++).bytes(size + i)
      const offset = this.#store.put(body)
      expect(offset).toBeGreaterThan(this.#puts.at(-1)?.offset ?? 0)
      this.#puts.push({ offset, body })
    }
    const newest = this.#puts.at(-1) as Put
    const some = this.#puts[Math.floor(this.#puts.length / 2)] as Put
    for (const { offset, body } of [newest, some]) expect(this.#store.read(offset).equals(body)).toBe(true)
  }

  async #sync(): Promise<void> {
    const puts = this.#puts
    const count = puts.length
    await this.#store.log.sync()
    if (puts === this.#puts) this.#durableCount = Math.max(this.#durableCount, count)
  }

  async #seal(): Promise<void> {
    const puts = this.#puts
    const count = puts.length
    await this.#store.log.seal()
    if (puts === this.#puts) this.#durableCount = Math.max(this.#durableCount, count)
  }

  async #holdAndSync(): Promise<void> {
    const release = await this.#store.log.hold()
    try {
      const { end } = this.#store.log
      await this.#sync()
      // Closing the open batch adds its trailer, and nothing else may come.
      expect(this.#store.log.end - end).toBeLessThanOrEqual(16)
      expect(this.#store.log.syncedTo).toBe(this.#store.log.end)
    } finally {
      release()
    }
  }

  async #closeAndReopen(): Promise<void> {
    await this.#store.close()
    await Promise.all(this.#pending.splice(0))
    this.#durableCount = this.#puts.length
    expect(this.#memory.current.openHandles()).toEqual([])
    await this.#reopen()
  }

  async #crash(image: MemoryFileSystem): Promise<void> {
    this.#abandon()
    this.#memory.current = image
    await this.#reopen()
  }

  async #cutDuring(at: number, seed: number): Promise<void> {
    let image: MemoryFileSystem | undefined
    let durableCount = 0
    let count = 0
    const when = (): boolean => {
      if (++count === at) {
        const keep = (['none', 'random', 'prefix', 'all'] as const)[seed % 4] ?? 'none'
        image = this.#memory.current.crashImage({ keep, seed, tear: 512 })
        durableCount = this.#durableCount
      }
      return false
    }
    this.#faults.current.setPlan([{ fault: { kind: 'lie' }, when }])
    await this.#put(2000, 2)
    await this.#seal()
    await this.#put(10, 2)
    await this.#store.log.write()
    await this.#put(10, 2)
    await this.#sync()
    if (image === undefined) return
    this.#durableCount = durableCount
    await this.#crash(image)
  }

  async #fault(operation: 'write' | 'datasync' | 'sync' | 'syncFolder', late: boolean): Promise<void> {
    const fault = { kind: 'error', code: 'EIO', late } as const
    this.#faults.current.setPlan([{ fault, kinds: [operation] }])
    const { log } = this.#store
    await Promise.allSettled([this.#put(100, 1), this.#sync(), this.#seal()])
    const hasStruck = this.#faults.current.struck.length > 0
    this.#faults.current.setPlan([])
    // A new chunk's file that cannot be made is not the log's end.
    if (!hasStruck || log.failure === undefined) return
    await expect(log.sync()).rejects.toBe(log.failure)
    await this.#store.close()
    this.#abandon()
    await this.#reopen()
    // Opening found it, so it stays, whatever the disk had of it.
    await this.#crash(this.#memory.current.crashImage({ keep: 'none' }))
  }

  /** What was asked and not answered before a crash may go either way. */
  #abandon(): void {
    for (const pending of this.#pending.splice(0)) pending.catch(() => undefined)
    this.#puts = [...this.#puts]
  }

  async #reopen(): Promise<void> {
    this.#faults.current = new FaultFileSystem(this.#memory.current)
    this.#store = await LogStore.open(this.#faults.current, LogModel.options)
    const { found } = this.#store
    const { recovered } = this.#store
    expect([recovered.damageCount, recovered.damage]).toEqual([0, []])
    expect(found.length).toBeGreaterThanOrEqual(this.#durableCount)
    expect(found.map(({ offset }) => offset)).toEqual(
      this.#puts.slice(0, found.length).map(({ offset }) => offset),
    )
    expect(found.every(({ body }, i) => body.equals((this.#puts[i] as Put).body))).toBe(true)
    this.#puts = this.#puts.slice(0, found.length)
    this.#durableCount = found.length
  }
}

describe('the log against a list', () => {
  it('keeps what was acknowledged, through crashes, failures, seals, and holds', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 40 }), async (steps) => {
        const model = await LogModel.create()
        for (const one of steps) await model.take(one)
        await model.end()
      }),
      { numRuns: 300 },
    )
  })
})
