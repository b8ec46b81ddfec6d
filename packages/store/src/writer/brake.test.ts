import { ManualClock } from '@varve/pack/testing'
import { expect, test } from 'vitest'
import { Brake } from './brake.ts'

/** A writer that appends one byte in each section it is let into. */
class Writer {
  readonly clock = new ManualClock()
  readonly brake = new Brake(this.clock)
  end = 100

  write(): boolean {
    if (this.brake.isPausing(this.end)) return false
    this.end++
    return true
  }
}

test('a section that follows one which appended waits, once', async () => {
  const writer = new Writer()
  writer.brake.set(10, writer.end)
  expect([writer.write(), writer.write(), writer.write()]).toEqual([true, false, false])
  await writer.clock.advance(9)
  expect(writer.write()).toBe(false)
  await writer.clock.advance(1)
  expect([writer.write(), writer.write()]).toEqual([true, false])
})

test('those who wait are woken together, and one of them is let in', async () => {
  const writer = new Writer()
  const wrote: number[] = []
  const run = async (n: number): Promise<void> => {
    while (!writer.write()) await writer.brake.over()
    wrote.push(n)
  }
  writer.brake.set(5, writer.end)
  const all = Promise.all([run(0), run(1), run(2)])
  await writer.clock.turn()
  expect(wrote).toEqual([0])
  await writer.clock.advance(5)
  expect(wrote).toEqual([0, 1])
  await writer.clock.advance(5)
  await all
  expect(wrote).toEqual([0, 1, 2])
})

test('looking without appending costs no pause', () => {
  const { brake } = new Writer()
  brake.set(10, 100)
  expect([brake.isPausing(100), brake.isPausing(100)]).toEqual([false, false])
})

test('let go, it wakes who waits and leaves no timer', async () => {
  const writer = new Writer()
  writer.brake.set(1_000, writer.end)
  writer.write()
  expect(writer.write()).toBe(false)
  const over = writer.brake.over()
  writer.brake.set(0, writer.end)
  await over
  expect([writer.write(), writer.write()]).toEqual([true, true])
  expect(writer.clock.sleeperCount).toBe(0)
})
