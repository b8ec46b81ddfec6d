import { describe, expect, test } from 'vitest'
import { lapFigures, percentile } from '../../benchmarks/src/measuring/measurement.ts'
import type { StepResult } from '../../benchmarks/src/rounds/rounds.ts'
import { summarise } from '../../benchmarks/src/rounds/summary.ts'
import { figureTable } from '../../benchmarks/src/rounds/tables.ts'
import { SplitMix64 } from '../../benchmarks/src/workloads/split-mix64.ts'
import { workloadSizes } from '../../benchmarks/src/workloads/workload-size.ts'
import { growth, growthKeys, largeDirectory, largeKeys } from '../../benchmarks/src/workloads/workloads.ts'

function measured(value: number, proof = 'a', step = 'W1'): StepResult {
  return { step, figures: [{ what: 'keys', value, unit: '/s' }], proofs: { tree: proof } }
}

describe('a summary', () => {
  test('has the median, between two rounds where there is an even number', () => {
    const odd = summarise([[measured(9)], [measured(1)], [measured(2)]])
    expect(odd.figures).toEqual([
      { step: 'W1', what: 'keys', unit: '/s', median: 2, min: 1, max: 9, values: [9, 1, 2] },
    ])
    expect(summarise([[measured(4)], [measured(1)]]).figures[0]?.median).toBe(2.5)
  })

  test('keeps the steps of a round apart', () => {
    const { figures } = summarise([[measured(1), measured(2, 'a', 'W2')]])
    expect(figures.map(({ step, median }) => [step, median])).toEqual([
      ['W1', 1],
      ['W2', 2],
    ])
  })

  test('of rounds that came to different trees is refused', () => {
    expect(() => summarise([[measured(1)], [measured(1, 'b')]])).toThrow('tree: b is not the a')
  })

  test('is drawn with its numbers in columns', () => {
    const { figures } = summarise([[measured(12_345.6)], [measured(1)], [measured(123.456)]])
    expect(figureTable(figures).split('\n')).toEqual([
      '|    | figure | median | min |    max | unit |',
      '| -- | ------ | -----: | --: | -----: | ---- |',
      '| W1 | keys   |  123.5 |   1 | 12,350 | /s   |',
    ])
  })
})

test('percentiles are values that occurred', () => {
  const values = Array.from({ length: 200 }, (_, i) => 200 - i)
  expect([0.5, 0.99, 1].map((part) => percentile(values, part))).toEqual([100, 198, 200])
  expect(lapFigures('commit', [3]).map(({ value }) => value)).toEqual([3, 3, 3])
  expect(percentile([], 0.5)).toBeNaN()
})

describe('the workloads', () => {
  const size = workloadSizes.hundredth

  test('draw what the reference draws', () => {
    const random = new SplitMix64(42)
    expect([random.hex(), random.hex(), random.hex(), random.hex()]).toEqual([
      'bdd732262feb6e95',
      '28efe333b266f103',
      '47526757130f9f52',
      '581ce1ff0e4ae394',
    ])
  })

  test.each([
    ['W1', growth, growthKeys],
    ['W5', largeDirectory, largeKeys],
  ] as const)('of %s write the keys of their table in its order', (_, writesOf, keysOf) => {
    const keys = keysOf(size)
    const writes = [...writesOf(size)].flat()
    expect(writes).toHaveLength(keys.count)
    expect(writes.map(({ index }) => index)).toEqual(writes.map((_, index) => index))
    expect(writes.filter(({ index, path }) => path.join('/') !== keys.path(index).join('/'))).toEqual([])
    expect(new Set(writes.map(({ path }) => path.join('/'))).size).toBe(keys.count)
  })
})
