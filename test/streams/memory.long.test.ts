/** The bound does not grow with the stream. */
import { test } from 'vitest'
import { expectBoundedMemory } from '../support/streaming-report.ts'

test('4 GiB in and out', () => expectBoundedMemory(4_096))
