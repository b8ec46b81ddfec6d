import { expect, test } from 'vitest'
import { systemClock } from './clock.ts'

test('a sleep lasts as long as asked', async () => {
  const before = systemClock.monotonic()
  await systemClock.sleep(20)
  expect(systemClock.monotonic() - before).toBeGreaterThanOrEqual(19)
})

test('a sleep ends when its signal aborts, also when it had aborted before', async () => {
  const controller = new AbortController()
  const sleep = systemClock.sleep(3_600_000, controller.signal)
  controller.abort()
  await sleep
  await systemClock.sleep(3_600_000, controller.signal)
})

test('a timer fires once, unless it is called off', async () => {
  const fired: string[] = []
  systemClock.after(1, () => fired.push('first'))
  const cancel = systemClock.after(1, () => fired.push('called off'))
  cancel()
  await systemClock.sleep(30)
  expect(fired).toEqual(['first'])
})

test('a turn lets in what was waiting for the event loop', async () => {
  let isLetIn = false
  setImmediate(() => {
    isLetIn = true
  })
  await Promise.resolve()
  expect(isLetIn).toBe(false)
  await systemClock.turn()
  expect(isLetIn).toBe(true)
})
