/** The queue of each branch: order, signals that come before and after the turn, and closing. */
import { getEventListeners } from 'node:events'
import { Deferred, systemClock } from '@varve/pack/base'
import { beforeEach, describe, expect, test } from 'vitest'
import { CommitQueues } from './commit-queues.ts'

let queues: CommitQueues
let log: string[]
beforeEach(() => {
  queues = new CommitQueues()
  log = []
})

/** Work that ends when the test says so. */
function work(
  name: string,
  gate: Deferred = new Deferred(),
): { readonly gate: Deferred; run(): Promise<string> } {
  const run = async (): Promise<string> => {
    log.push(`+${name}`)
    await gate.promise
    log.push(`-${name}`)
    return name
  }
  return { gate, run }
}

describe('work', () => {
  test('of one branch runs in its order, that of another beside it', async () => {
    const [a, b, c] = [work('a'), work('b'), work('c')]
    const all = [
      queues.run('x', undefined, a.run),
      queues.run('x', undefined, b.run),
      queues.run('y', undefined, c.run),
    ]
    await systemClock.turn()
    expect(log).toEqual(['+a', '+c'])
    expect(queues.size).toBe(2)
    for (const { gate } of [c, a, b]) gate.resolve()
    expect(await Promise.all(all)).toEqual(['a', 'b', 'c'])
    expect(log.indexOf('-a')).toBeLessThan(log.indexOf('+b'))
    expect(queues.size).toBe(0)
  })

  test('that fails lets the next one run', async () => {
    const failing = queues.run('x', undefined, () => Promise.reject(new RangeError('no')))
    const next = queues.run('x', undefined, async () => 'next')
    await expect(failing).rejects.toThrow(new RangeError('no'))
    expect(await next).toBe('next')
    expect(queues.size).toBe(0)
  })
})

describe('a signal', () => {
  test('given up before does not even queue', async () => {
    const run = queues.run('x', AbortSignal.abort(), work('a').run)
    await expect(run).rejects.toMatchObject({ code: 'ABORTED' })
    expect([log, queues.size]).toEqual([[], 0])
  })

  test('takes what waits out of the queue, with its reason, and nothing else', async () => {
    const [a, b, c] = [work('a'), work('b'), work('c')]
    const controller = new AbortController()
    const first = queues.run('x', undefined, a.run)
    const waiting = queues.run('x', controller.signal, b.run)
    const last = queues.run('x', undefined, c.run)
    await systemClock.turn()
    controller.abort(new RangeError('enough'))
    await expect(waiting).rejects.toMatchObject({ code: 'ABORTED', cause: new RangeError('enough') })
    a.gate.resolve()
    c.gate.resolve()
    expect(await Promise.all([first, last])).toEqual(['a', 'c'])
    expect(log).not.toContain('+b')
    expect(getEventListeners(controller.signal, 'abort')).toEqual([])
  })

  test('leaves what runs to itself: its outcome stands', async () => {
    const controller = new AbortController()
    const a = work('a')
    const running = queues.run('x', controller.signal, a.run)
    const failing = queues.run('y', controller.signal, async () => {
      await a.gate.promise
      throw new RangeError('its own')
    })
    await systemClock.turn()
    expect(getEventListeners(controller.signal, 'abort')).toEqual([])
    controller.abort()
    a.gate.resolve()
    expect(await running).toBe('a')
    await expect(failing).rejects.toThrow(new RangeError('its own'))
  })
})

describe('closing', () => {
  test('ends the wait for functions, and resolves when nothing runs or waits', async () => {
    const a = work('a')
    const call = queues.run('x', undefined, () =>
      queues.outcomeOf(() => new Promise<string>(() => undefined)),
    )
    const waiting = queues.run('x', undefined, a.run)
    const outcome = Promise.allSettled([call])
    await systemClock.turn()
    let isClosed = false
    const closing = queues.close().then(() => {
      isClosed = true
    })
    expect(await outcome).toMatchObject([{ reason: { code: 'STORE_CLOSED' } }])
    await systemClock.turn()
    expect([isClosed, log]).toEqual([false, ['+a']])
    a.gate.resolve()
    await closing
    expect([await waiting, queues.size]).toEqual(['a', 0])
  })

  test('lets no function begin any more', async () => {
    await queues.close()
    let isCalled = false
    const call = queues.outcomeOf(() => {
      isCalled = true
    })
    await expect(call).rejects.toMatchObject({ code: 'STORE_CLOSED' })
    expect(isCalled).toBe(false)
  })

  test('passes what functions gave and threw before it', async () => {
    expect(await queues.outcomeOf(() => 7)).toBe(7)
    await expect(
      queues.outcomeOf(() => {
        throw new RangeError('thrown')
      }),
    ).rejects.toThrow(new RangeError('thrown'))
  })
})
