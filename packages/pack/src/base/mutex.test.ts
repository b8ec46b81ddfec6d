import { describe, expect, test } from 'vitest'
import { Deferred } from './deferred.ts'
import { Mutex } from './mutex.ts'

describe('Mutex', () => {
  test('lets one in at a time, in the order of asking', async () => {
    const mutex = new Mutex()
    const order: number[] = []
    let inside = 0
    const jobs = Array.from({ length: 3_000 }, (_, i) =>
      mutex.run(async () => {
        inside++
        expect(inside).toBe(1)
        order.push(i)
        await null
        inside--
      }),
    )
    expect(mutex.waitingCount).toBe(2_999)
    await Promise.all(jobs)
    expect(order).toEqual(Array.from({ length: 3_000 }, (_, i) => i))
    expect(mutex.isHeld).toBe(false)
  })

  test('is not taken by a newcomer on its way to the next in line', async () => {
    const mutex = new Mutex()
    const release = await mutex.acquire()
    const second = mutex.acquire()
    release()
    expect(mutex.tryAcquire()).toBeUndefined()
    const releaseSecond = await second
    releaseSecond()
    expect(mutex.tryAcquire()).toBeDefined()
  })

  test('is given back once, and also after a failure', async () => {
    const mutex = new Mutex()
    const release = await mutex.acquire()
    const gate = new Deferred()
    const second = mutex.run(() => gate.promise)
    release()
    release()
    expect(mutex.isHeld).toBe(true)
    gate.reject(new RangeError('on purpose'))
    await expect(second).rejects.toThrow('on purpose')
    expect(mutex.isHeld).toBe(false)
  })
})

describe('Deferred', () => {
  test('settles once', async () => {
    const deferred = new Deferred<number>()
    expect(deferred.isSettled).toBe(false)
    deferred.resolve(1)
    deferred.reject(new RangeError('too late'))
    expect(deferred.isSettled).toBe(true)
    await expect(deferred.promise).resolves.toBe(1)
  })
})
