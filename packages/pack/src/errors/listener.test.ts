import { expect, test } from 'vitest'
import { listenerOf } from './listener.ts'

test('what a listener throws is uncaught, and does not come back', async () => {
  const others = process.listeners('uncaughtException')
  process.removeAllListeners('uncaughtException')
  const uncaught: unknown[] = []
  process.on('uncaughtException', (error) => void uncaught.push(error))
  try {
    const heard: number[] = []
    const listener = listenerOf<number>((value) => {
      heard.push(value)
      if (value === 2) throw new RangeError('two')
    })
    for (const value of [1, 2, 3]) listener(value)
    await new Promise((resolve) => void setImmediate(resolve))
    expect(heard).toEqual([1, 2, 3])
    expect(uncaught).toEqual([new RangeError('two')])
  } finally {
    process.removeAllListeners('uncaughtException')
    for (const other of others) process.on('uncaughtException', other)
  }
})

test('without a listener nothing happens', () => {
  expect(listenerOf(undefined)(1)).toBeUndefined()
})
