import fc from 'fast-check'
import { expect, it } from 'vitest'
import { ManualClock, SeededRandom } from './index.ts'

it('gives the same numbers for the same seed, frozen', () => {
  const random = new SeededRandom(42)
  const numbers = Array.from({ length: 4 }, () => random.uint32())
  const again = new SeededRandom(42)
  expect(Array.from({ length: 4 }, () => again.uint32())).toEqual(numbers)
  expect(new SeededRandom(43).uint32()).not.toBe(numbers[0])
  expect(new SeededRandom(42 + 2 ** 32).uint32()).not.toBe(numbers[0])
})

it('stays in its bounds and reaches all of them', () => {
  fc.assert(
    fc.property(fc.maxSafeNat(), fc.integer({ min: 1, max: 8 }), (seed, bound) => {
      const random = new SeededRandom(seed)
      const seen = new Set(Array.from({ length: 400 }, () => random.below(bound)))
      expect([...seen].sort()).toEqual(Array.from({ length: bound }, (_, i) => i))
      expect(random.chance(0)).toBe(false)
      expect(random.chance(1)).toBe(true)
    }),
    { numRuns: 50 },
  )
})

it('draws bits evenly', () => {
  const random = new SeededRandom(7)
  const counts = new Array<number>(32).fill(0)
  const draws = 20_000
  for (let i = 0; i < draws; i++) {
    const value = random.uint32()
    for (let bit = 0; bit < 32; bit++) counts[bit] = (counts[bit] as number) + ((value >>> bit) & 1)
  }
  // Five standard deviations of a fair coin.
  for (const count of counts) expect(Math.abs(count - draws / 2)).toBeLessThan(5 * Math.sqrt(draws / 4))
  expect(random.bytes(5)).toHaveLength(5)
  expect(['a', 'b']).toContain(random.pick(['a', 'b']))
})

it('forks a sequence of its own', () => {
  const random = new SeededRandom(1)
  const fork = random.fork()
  const next = new SeededRandom(1)
  next.fork()
  for (let i = 0; i < 10; i++) fork.uint32()
  expect(random.uint32()).toBe(next.uint32())
})

it('the manual clock wakes sleepers in the order of their times', async () => {
  const clock = new ManualClock(1_000)
  const woken: string[] = []
  const late = clock.sleep(20).then(() => woken.push(`late ${clock.now()}`))
  const early = clock.sleep(10).then(() => woken.push(`early ${clock.now()}`))
  const cancel = clock.after(15, () => woken.push('never'))
  const aborting = new AbortController()
  const aborted = clock.sleep(1_000, aborting.signal).then(() => woken.push('aborted'))
  cancel()
  expect(clock.sleeperCount).toBe(3)
  await clock.advance(5)
  expect(woken).toEqual([])
  await clock.advance(20)
  aborting.abort()
  await Promise.all([late, early, aborted])
  expect(woken).toEqual(['early 1010', 'late 1020', 'aborted'])
  clock.setWallTime(0)
  expect([clock.now(), clock.monotonic()]).toEqual([0, 25])
})
