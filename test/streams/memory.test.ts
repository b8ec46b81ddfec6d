/** A large stream takes no more memory than a small one. */
import { test } from 'vitest'
import { expectBoundedMemory } from '../support/streaming-report.ts'

test('1 GiB in and out', () => expectBoundedMemory(1_024))
