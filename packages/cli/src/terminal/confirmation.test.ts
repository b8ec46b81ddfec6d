import { expect, test } from 'vitest'
import { confirm } from './confirmation.ts'
import { MemoryHost } from './testing/memory-host.ts'

const asked = { isYes: false, plan: ['remove all'], question: 'Do that?' }

test.each(['y', 'yes', ' Y '])('%j is yes', async (answer) => {
  const host = new MemoryHost({ isTerminal: true, answer })
  await confirm(host, asked)
  expect(host.stderr.text).toBe('remove all\nDo that? [y/N] ')
})

test.each(['', 'n', 'yesterday'])('%j is no', async (answer) => {
  const host = new MemoryHost({ isTerminal: true, answer })
  await expect(confirm(host, asked)).rejects.toMatchObject({ code: 'CONFIRMATION_NEEDED' })
})

test('a yes after an interruption is none', async () => {
  const interrupted = new AbortController()
  const host = new MemoryHost({ isTerminal: true, answer: 'y', interrupted: interrupted.signal })
  interrupted.abort()
  await expect(confirm(host, asked)).rejects.toMatchObject({ code: 'ABORTED' })
})

test('nor is one that is noticed before the interruption that it follows', async () => {
  const interrupted = new AbortController()
  const host = new MemoryHost({ isTerminal: true, answer: 'y', interrupted: interrupted.signal })
  host.clock.turn = async () => interrupted.abort()
  await expect(confirm(host, asked)).rejects.toMatchObject({ code: 'ABORTED' })
})
