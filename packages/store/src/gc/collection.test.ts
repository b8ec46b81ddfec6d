/** How a collection catches up with a program that writes, over a log and a worker that only count. */
import { ManualClock } from '@varve/pack/testing'
import { describe, expect, test } from 'vitest'
import { Collection } from './collection.ts'
import type { CollectionFigures, CollectionHost, CollectionWorker } from './collection-host.ts'

const megabyte = 1 << 20
const figures: CollectionFigures = {
  objectsKept: 1,
  bytesKept: 2,
  bytesFreed: 3,
  bytesArchived: 5,
  peakBytes: 4,
}

interface Course {
  /** Bytes that the program writes during a round outside the queue, at this pause between its sections. */
  readonly written: (pauseMs: number) => number
  /** Whether a held round of so many bytes fits. Default: always. */
  readonly fits?: (bytes: number, pauseMs: number) => boolean
  readonly duringSeal?: () => void
  readonly duringSweep?: number
  readonly startFailure?: Error
}

/** A store around a collection: tells what was asked of it, in order. */
class CountingHost implements CollectionHost {
  readonly clock = new ManualClock()
  readonly told: string[] = []
  readonly pauses: number[] = []
  readonly #course: Course
  #end = 1000
  #isHeld = false
  #pauseMs = 0

  constructor(course: Course) {
    this.#course = course
  }

  assertWritable(): void {}
  assertLowerThere(): void {}
  isArchiving(): boolean {
    return true
  }
  latestTarget(): undefined {}
  async assertSpaceFor(): Promise<void> {}
  warmUp(): void {}
  async sealLog(): Promise<void> {
    this.told.push('seal')
    this.#course.duringSeal?.()
  }

  abandon(): void {
    this.told.push('abandon')
  }

  logEnd(): number {
    return this.#end
  }

  slowWrites(pauseMs: number): void {
    this.#pauseMs = pauseMs
    this.pauses.push(pauseMs)
  }

  async holdLog(): Promise<() => void> {
    this.#isHeld = true
    return () => {
      this.#isHeld = false
    }
  }

  async syncLog(): Promise<number> {
    return this.#end
  }

  startWorker(): CollectionWorker {
    if (this.#course.startFailure !== undefined) throw this.#course.startFailure
    return {
      startPosition: this.#end,
      sweep: async () => {
        this.#end += this.#course.duringSweep ?? 0
        this.told.push('sweep')
      },
      catchUp: async (round) => this.#round(round),
      switchOver: async () => {
        expect(this.#isHeld).toBe(true)
        this.told.push('switch')
      },
      end: async () => figures,
      cancel: async () => void this.told.push('cancel'),
    }
  }

  #round({ from, to, isBudgeted }: Parameters<CollectionWorker['catchUp']>[0]): boolean {
    expect(isBudgeted, 'a held round has a budget, and no other has').toBe(this.#isHeld)
    if (isBudgeted) {
      expect(to - from).toBeLessThanOrEqual(megabyte)
      const isDone = this.#course.fits?.(to - from, this.#pauseMs) ?? true
      this.told.push(isDone ? 'held' : 'given up')
      return isDone
    }
    this.told.push('round')
    this.#end += this.#course.written(this.#pauseMs)
    return true
  }
}

function collectionOf(host: CountingHost): Collection {
  return new Collection(host, {
    ...{ target: undefined, keep: [], graceMs: 0, unlink: true, onProgress: undefined },
  })
}

async function collected(course: Course): Promise<{ host: CountingHost; outcome: unknown }> {
  const host = new CountingHost(course)
  const collection = collectionOf(host)
  await collection.start()
  await collection.swept()
  const outcome = await collection.finish().catch((error: unknown) => error)
  return { host, outcome }
}

describe('a collection for which no worker starts gives back what the seal has left to it', () => {
  test('as it was cancelled meanwhile', async () => {
    let cancelled: Promise<boolean> | undefined
    const duringSeal = (): void => {
      cancelled = collection.cancel()
    }
    const host = new CountingHost({ written: () => 0, duringSeal })
    const collection = collectionOf(host)
    await expect(collection.start()).rejects.toMatchObject({ code: 'ABORTED' })
    expect(await cancelled).toBe(true)
    expect(host.told).toEqual(['seal', 'abandon'])
  })

  test('and seals nothing when it was cancelled before', async () => {
    const host = new CountingHost({ written: () => 0 })
    const collection = collectionOf(host)
    const started = collection.start()
    await Promise.all([expect(started).rejects.toMatchObject({ code: 'ABORTED' }), collection.cancel()])
    expect(host.told).toEqual([])
  })

  test('as the start failed', async () => {
    const startFailure = new Error('no thread')
    const host = new CountingHost({ written: () => 0, startFailure })
    await expect(collectionOf(host).start()).rejects.toBe(startFailure)
    expect(host.told).toEqual(['seal', 'abandon'])
  })
})

describe('catching up', () => {
  test('with nothing written, the held round is the only one', async () => {
    const { host, outcome } = await collected({ written: () => 0 })
    expect(host.told).toEqual(['seal', 'sweep', 'held', 'switch'])
    expect(outcome).toMatchObject({ state: 'finalised', stats: { bytesFreed: 3 } })
  })

  test('what was written during a long sweep is caught up with before anybody asks for the end', async () => {
    const { host } = await collected({ written: () => 10, duringSweep: 50 * megabyte })
    expect(host.told).toEqual(['seal', 'sweep', 'round', 'held', 'switch'])
  })

  test('a writer that is always ahead is slowed, more each time, and let go at the end', async () => {
    const written = (pauseMs: number): number => (pauseMs >= 8 ? 100 : 2 * megabyte)
    const { host, outcome } = await collected({ written, duringSweep: 2 * megabyte })
    expect(outcome).toMatchObject({ state: 'finalised' })
    expect(host.pauses).toEqual([1, 2, 4, 8, 0])
    expect(host.told.at(-2)).toBe('held')
  })

  test('few bytes that hold much are given up, and then the writer is slowed', async () => {
    const fits = (bytes: number): boolean => bytes === 0
    const written = (pauseMs: number): number => (pauseMs >= 4 ? 0 : 100)
    const { host } = await collected({ written, fits, duringSweep: 100 })
    const givenUp = ['given up', 'round']
    const rounds = Array.from({ length: 6 }, () => givenUp).flat()
    expect(host.told).toEqual(['seal', 'sweep', ...rounds, 'held', 'switch'])
    expect(host.pauses).toEqual([1, 2, 4, 0])
  })

  test('no round runs without a budget while the writer is held: rather the collection fails', async () => {
    const { host, outcome } = await collected({ written: () => 2 * megabyte, duringSweep: 2 * megabyte })
    expect(outcome).toMatchObject({ code: 'GC_FAILED', details: { reason: 'other' } })
    expect(host.told.at(-1)).toBe('cancel')
    expect(host.pauses.at(-1)).toBe(0)
  })
})
