import { expect, test } from 'vitest'
import { CollectorMemory } from './collector-memory.ts'

test('marks have what blocks and copies leave, and a sixteenth whatever they take', () => {
  const memory = new CollectorMemory(1_600)
  let others = 0
  memory.watch({ marks: () => 300, others: () => others })
  expect(memory.leftForMarks()).toBe(1_600)
  others = 1_000
  expect(memory.leftForMarks()).toBe(600)
  others = 5_000
  expect(memory.leftForMarks()).toBe(100)
  others = 0
  expect(memory.peakBytes).toBe(5_300)
})
