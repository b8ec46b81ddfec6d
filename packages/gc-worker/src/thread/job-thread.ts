import { MessageChannel, type MessagePort, type TransferListItem, type Worker } from 'node:worker_threads'
import { systemClock } from '@varve/pack/base'
import { VarveError } from '@varve/pack/errors'
import type { Piscina } from 'piscina'
import { asThreadFailure } from './failure.ts'

/**
 * What a thread loads: `worker.ts` and all that it imports as one file, which the build makes. A hundred
 * files would take three times as long. It is CommonJS, also because a thread that is ended while
 * `require()`, with which Piscina begins, loads an ECMAScript module takes the whole process with it
 * (`v8::Module::IsGraphAsync`, Node.js 20.20).
 */
const workerFile = new URL('./worker.cjs', import.meta.url).href

/** Piscina in one file, which the build makes too: its own fifteen would hold up the caller for 15 ms. */
const poolFile = new URL('./pool.mjs', import.meta.url).href

/**
 * Objects here die at once: more room for them would only make the process larger.
 */
const YOUNG_MIB_MAX = 6

/**
 * The JavaScript heap of one thread, in MiB. Marks, blocks, and copies lie outside of it and have a budget of
 * their own.
 */
const heapMiBMaxDefault = 512

/**
 * A pool of one thread, which dies with its job: only then is it certain that nothing touches a file any
 * more. Piscina starts it, feeds it, and turns its death into a rejection. Loaded on demand, as most openings
 * of a store never need it.
 */
export class JobThread {
  readonly #pool: Piscina
  readonly #exits: Promise<void>[]
  #isDestroyed = false

  private constructor(pool: Piscina) {
    this.#pool = pool
    this.#exits = pool.threads.map(exitOf)
    // A thread that dies between two tasks is reported by the next one; without a listener it would end the
    // process.
    pool.on('error', () => {})
  }

  /**
   * Takes some 35 ms until the thread runs; of these the caller has 5 for the first one of a process, then 3.
   */
  static async start(heapMiBMax: number = heapMiBMaxDefault): Promise<JobThread> {
    const { Piscina } = (await import(poolFile)) as typeof import('piscina')
    // Two short stops for the caller instead of a long one: the thread's start is the other.
    await systemClock.turn()
    const pool = new Piscina({
      filename: workerFile,
      // Looked for when the thread starts: without a name that is there, the file is loaded once more.
      name: 'collect',
      minThreads: 1,
      maxThreads: 1,
      idleTimeout: Number.POSITIVE_INFINITY,
      concurrentTasksPerWorker: 1,
      recordTiming: false,
      // What the program was started with is not for its threads.
      execArgv: [],
      resourceLimits: { maxOldGenerationSizeMb: heapMiBMax, maxYoungGenerationSizeMb: YOUNG_MIB_MAX },
    })
    return new JobThread(pool)
  }

  /**
   * Runs one exported function of the worker module.
   * @throws GC_FAILED with reason 'worker' or 'memory' when the thread dies
   */
  async run<T>(name: string, task: unknown, transferList: TransferListItem[] = []): Promise<T> {
    // A pool that was destroyed would start another thread.
    if (this.#isDestroyed) throw new VarveError('GC_FAILED', { reason: 'worker' })
    try {
      return (await this.#pool.run(task, { name, transferList })) as T
    } catch (error) {
      throw asThreadFailure(error)
    }
  }

  /** Ends the thread, whatever it is doing, and resolves after its exit. Idempotent. */
  async end(): Promise<void> {
    if (!this.#isDestroyed) {
      this.#isDestroyed = true
      this.#exits.push(...this.#pool.threads.map(exitOf))
      await this.#pool.destroy()
    }
    await Promise.all(this.#exits)
  }
}

/** Both ends of a line between a caller and its thread; the far one is transferred. */
export function openLine(): { near: MessagePort; far: MessagePort } {
  const { port1, port2 } = new MessageChannel()
  return { near: port1, far: port2 }
}

function exitOf(worker: Worker): Promise<void> {
  return new Promise((resolve) => {
    if (worker.threadId === -1) return resolve()
    worker.once('exit', () => resolve())
  })
}
