import { systemClock } from '@varve/pack/base'
import type { FileSystem } from '@varve/pack/fs'
import { InterceptedFileSystem, type Operation } from '@varve/pack/testing'

/**
 * Turns of the event loop after which whatever can go on without us has done so: nothing here waits for a
 * disk.
 */
const settledTurns = 24
/** A step that is not reached in so many turns will not be reached. */
const reachTurnsMax = 2_000

/** Waits until everything that can happen by itself has happened. */
export async function settled(): Promise<void> {
  for (let turn = 0; turn < settledTurns; turn++) await systemClock.turn()
}

/** Stops file operations of a store in memory where a test wants them stopped. */
export class Stepper {
  readonly #holds = new Set<Hold>()

  /** For `TempStoreOptions.wrap`. */
  readonly wrap = (inner: FileSystem): FileSystem =>
    new InterceptedFileSystem(inner, {
      before: () => undefined,
      delay: async (operation) => {
        for (const hold of this.#holds) await hold.pass(operation)
      },
    })

  /** The next operation that matches waits, and so do all others that match while it does. */
  hold(matches: (operation: Operation) => boolean): Hold {
    const hold = new Hold(matches, () => this.#holds.delete(hold))
    this.#holds.add(hold)
    return hold
  }

  releaseAll(): void {
    for (const hold of [...this.#holds]) hold.release()
  }
}

export class Hold {
  readonly #matches: (operation: Operation) => boolean
  readonly #forget: () => void
  readonly #waiting: (() => void)[] = []

  constructor(matches: (operation: Operation) => boolean, forget: () => void) {
    this.#matches = matches
    this.#forget = forget
  }

  get isReached(): boolean {
    return this.#waiting.length > 0
  }

  /** Resolves as soon as an operation waits here. */
  async reached(): Promise<void> {
    for (let turn = 0; !this.isReached; turn++) {
      if (turn === reachTurnsMax) throw new Error('nothing has come to this step')
      await systemClock.turn()
    }
  }

  /** Lets go of all that wait, and of all to come. */
  release(): void {
    this.#forget()
    for (const go of this.#waiting.splice(0)) go()
  }

  async pass(operation: Operation): Promise<void> {
    if (!this.#matches(operation)) return
    await new Promise<void>((resolve) => void this.#waiting.push(resolve))
  }
}

/** File operations at which a collection can be stopped, in the order in which they happen. */
export const collectionSteps = {
  /** The first copy of something that is kept. */
  segment: (o: Operation): boolean => o.kind === 'create' && /\/gen-\d+\.pack$/.test(o.path),
  /** All that control will name is there and synced, and the queue is held. */
  controlDraft: (o: Operation): boolean => o.kind === 'create' && o.path.endsWith('/control.tmp'),
  /** Just before the commit point. */
  control: (o: Operation): boolean => o.kind === 'rename' && o.to?.endsWith('/control') === true,
  /** The first unlinking of a retired file. */
  unlink: (o: Operation): boolean => o.kind === 'remove' && /\/(suffix|gen)-\d+\.pack$/.test(o.path),
} as const satisfies Record<string, (operation: Operation) => boolean>
