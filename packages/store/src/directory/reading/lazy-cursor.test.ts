import { VarveError } from '@varve/pack/errors'
import { describe, expect, it } from 'vitest'
import { LazyCursor, pause } from './lazy-cursor.ts'

function* numbers(count: number, ended: { count: number }): Generator<number | Promise<number>> {
  try {
    for (let at = 0; at < count; at++) yield at % 3 === 2 ? Promise.resolve(at) : at
  } finally {
    ended.count++
  }
}

/** Pauses before every third item, twice before some, and before its end. */
function* pausing(count: number): Generator<number | Promise<number> | typeof pause> {
  for (let at = 0; at < count; at++) {
    if (at % 3 === 0) yield pause
    if (at % 6 === 0) yield pause
    yield at % 5 === 2 ? Promise.resolve(at) : at
  }
  yield pause
}

const upTo = (count: number): number[] => Array.from({ length: count }, (_, at) => at)

describe('LazyCursor', () => {
  it('gives every item in order, however it is asked', async () => {
    const ended = { count: 0 }
    expect(await new LazyCursor(numbers(3000, ended)).toArray()).toEqual(upTo(3000))
    const looped: number[] = []
    for await (const item of new LazyCursor(numbers(3000, ended))) looped.push(item)
    expect(looped).toEqual(upTo(3000))
    const cursor = new LazyCursor(numbers(2000, ended))
    const overlapping = await Promise.all(upTo(2000).map(() => cursor.next()))
    expect(overlapping.map((step) => step.value)).toEqual(upTo(2000))
    expect(await cursor.next()).toEqual({ done: true, value: undefined })
    expect(ended.count).toBe(3)
  })

  it('passes over pauses, in which the event loop has its turn, and keeps the order', async () => {
    expect(await new LazyCursor(pausing(50)).toArray()).toEqual(upTo(50))
    const pages: number[][] = []
    for await (const page of new LazyCursor(pausing(7)).pages(3)) pages.push(page)
    expect(pages).toEqual([[0, 1, 2], [3, 4, 5], [6]])
    const cursor = new LazyCursor(pausing(50))
    const asked = upTo(30).map(() => cursor.next())
    expect((await (asked[0] as (typeof asked)[0])).value).toBe(0)
    asked.push(...upTo(25).map(() => cursor.next()))
    const steps = await Promise.all(asked)
    expect(steps.slice(0, 50).map((step) => step.value)).toEqual(upTo(50))
    expect(steps.slice(50).every((step) => step.done)).toBe(true)
  })

  it('stops in a pause at an aborted signal', async () => {
    const control = new AbortController()
    const endless = function* (): Generator<typeof pause> {
      for (;;) yield pause
    }
    const waiting = new LazyCursor<number>(endless(), control.signal).next()
    const all = new LazyCursor<number>(endless(), control.signal).toArray()
    control.abort()
    await expect(waiting).rejects.toSatisfy((e) => VarveError.is(e, 'ABORTED'))
    await expect(all).rejects.toSatisfy((e) => VarveError.is(e, 'ABORTED'))
  })

  it('gives pages, none of them empty', async () => {
    const pages: number[][] = []
    for await (const page of new LazyCursor(numbers(7, { count: 0 })).pages(3)) pages.push(page)
    expect(pages).toEqual([[0, 1, 2], [3, 4, 5], [6]])
    for await (const page of new LazyCursor(numbers(6, { count: 0 })).pages(3)) pages.push(page)
    expect(pages.slice(3)).toEqual([
      [0, 1, 2],
      [3, 4, 5],
    ])
    for await (const page of new LazyCursor(numbers(0, { count: 0 })).pages(3)) pages.push(page)
    expect(pages).toHaveLength(5)
  })

  it('ends its source when it is left', async () => {
    const ended = { count: 0 }
    for await (const item of new LazyCursor(numbers(9, ended))) if (item === 1) break
    expect(ended.count).toBe(1)
    for await (const page of new LazyCursor(numbers(9, ended)).pages(2)) if (page[0] === 2) break
    expect(ended.count).toBe(2)
    const cursor = new LazyCursor(numbers(9, ended))
    await cursor.next()
    await cursor[Symbol.asyncDispose]()
    expect(ended.count).toBe(3)
    expect(await cursor.toArray()).toEqual([])
  })

  it('lets the event loop have its turn', async () => {
    let turns = 0
    const timer = setInterval(() => turns++, 0)
    let sum = 0
    for await (const item of new LazyCursor(numbers(200_000, { count: 0 }))) sum += item
    clearInterval(timer)
    expect(sum).toBe((200_000 * 199_999) / 2)
    expect(turns).toBeGreaterThan(5)
  })

  it('stops at an aborted signal, and at the first failure for good', async () => {
    const control = new AbortController()
    const ended = { count: 0 }
    const cursor = new LazyCursor(numbers(9, ended), control.signal)
    await cursor.next()
    control.abort(new Error('enough'))
    await expect(cursor.next()).rejects.toSatisfy((e) => VarveError.is(e, 'ABORTED'))
    expect(ended.count).toBe(1)
    expect(await cursor.next()).toEqual({ done: true, value: undefined })

    const failing = new LazyCursor([1, Promise.reject(new Error('lost')), 3][Symbol.iterator]())
    await failing.next()
    await expect(failing.next()).rejects.toThrow('lost')
    expect((await failing.next()).done).toBe(true)
  })
})
