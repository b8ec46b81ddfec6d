import { assert, nextTurn } from '@varve/pack/base'
import { throwIfAborted } from '@varve/pack/errors'
import type { Cursor } from '../../api/index.ts'

/** What a source gives when it has worked for a while and has no item yet: the event loop gets its turn. */
export const pause: unique symbol = Symbol('pause')

/** Items taken before the event loop gets its turn: a loop over ready promises alone would starve it. */
const pauseEvery = 1024

type Given<T> = T | Promise<T> | typeof pause

/**
 * A `Cursor` over a synchronous source. The source reads in small steps and holds nothing open between them,
 * so an abandoned cursor costs nothing; a step that needs time gives a promise of its item, one that has
 * looked for an item for long pauses.
 */
export class LazyCursor<T> implements Cursor<T> {
  #source: Iterator<Given<T>> | undefined
  readonly #signal: AbortSignal | undefined
  #taken = 0
  /** Settles when the last of the calls is done that have to wait for one that pauses. */
  #line: Promise<void> | undefined

  constructor(source: Iterator<Given<T>>, signal?: AbortSignal) {
    this.#source = source
    this.#signal = signal
  }

  next(): Promise<IteratorResult<T, undefined>> {
    if (this.#line !== undefined) return this.#queued()
    // The item is taken before anything is awaited, so calls that overlap still get their items in order.
    let step: IteratorResult<Given<T>, undefined>
    try {
      step = this.#take()
    } catch (error) {
      return Promise.reject(error)
    }
    if (step.done === true) return Promise.resolve(step)
    const { value } = step
    if (value === pause) return this.#queued()
    const isTurn = this.#taken % pauseEvery === 0
    if (!isTurn && !(value instanceof Promise)) return Promise.resolve({ done: false, value })
    return this.#settle(value, isTurn)
  }

  return(): Promise<IteratorResult<T, undefined>> {
    this.#end()
    return Promise.resolve({ done: true, value: undefined })
  }

  throw(error?: unknown): Promise<IteratorResult<T, undefined>> {
    this.#end()
    return Promise.reject(error)
  }

  toArray(): Promise<T[]> {
    return this.#takePage(Number.POSITIVE_INFINITY)
  }

  async *pages(size: number): AsyncGenerator<T[], void, undefined> {
    assert(Number.isSafeInteger(size) && size > 0, 'a page holds at least one item')
    try {
      for (;;) {
        const page = await this.#takePage(size)
        if (page.length > 0) yield page
        if (page.length < size) return
      }
    } finally {
      this.#end()
    }
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#end()
    return Promise.resolve()
  }

  /** The next item, after a turn and after those that others wait for. */
  #queued(): Promise<IteratorResult<T, undefined>> {
    const item = (this.#line ?? nextTurn()).then(() => this.#takePaced())
    const ignore = (): void => undefined
    const line = item.then(ignore, ignore).then(() => {
      if (this.#line === line) this.#line = undefined
    })
    this.#line = line
    return item
  }

  async #takePaced(): Promise<IteratorResult<T, undefined>> {
    for (;;) {
      const step = this.#take()
      if (step.done === true) return step
      if (step.value !== pause) return this.#settle(step.value, false)
      await nextTurn()
    }
  }

  #take(): IteratorResult<Given<T>, undefined> {
    if (this.#source === undefined) return { done: true, value: undefined }
    try {
      throwIfAborted(this.#signal)
      const step = this.#source.next()
      if (step.done === true) {
        this.#source = undefined
        return { done: true, value: undefined }
      }
      if (step.value !== pause) this.#taken++
      return step
    } catch (error) {
      this.#end()
      throw error
    }
  }

  async #settle(value: T | Promise<T>, isTurn: boolean): Promise<IteratorResult<T, undefined>> {
    try {
      // Together, so that a failing item is never without somebody waiting for it.
      const [item] = await Promise.all([value, isTurn ? nextTurn() : undefined])
      return { done: false, value: item }
    } catch (error) {
      this.#end()
      throw error
    }
  }

  async #takePage(sizeMax: number): Promise<T[]> {
    const page: T[] = []
    while (page.length < sizeMax) {
      const step = this.#take()
      if (step.done === true) break
      if (step.value === pause) {
        await nextTurn()
        continue
      }
      if (step.value instanceof Promise) {
        const settled = await this.#settle(step.value, false)
        if (settled.done !== true) page.push(settled.value)
      } else {
        page.push(step.value)
      }
      if (this.#taken % pauseEvery === 0) await nextTurn()
    }
    return page
  }

  #end(): void {
    const source = this.#source
    this.#source = undefined
    source?.return?.()
  }
}
