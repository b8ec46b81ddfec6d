import { expect, test } from 'vitest'
import { progressView } from './progress-view.ts'
import { MemoryHost } from './testing/memory-host.ts'

const step = { label: 'importing', done: 1_500, total: 3_000, bytes: 2_048, etaMs: 4_000 }

test('without a terminal: a line every ten seconds', async () => {
  const host = new MemoryHost()
  const view = await progressView(host, { json: false, quiet: false })
  for (let second = 0; second < 25; second++) {
    view.update(step)
    await host.clock.advance(1_000)
  }
  view.stop()
  expect(host.stderr.text).toBe('varve: importing: 1,500 of 3,000, 2.00 KiB, 4 s left\n'.repeat(2))
  expect(host.stdout.text).toBe('')
})

test('beside JSON: only if it is asked for, and as JSON', async () => {
  const silent = new MemoryHost()
  const none = await progressView(silent, { json: true, quiet: false })
  const host = new MemoryHost()
  const view = await progressView(host, { json: true, quiet: false, progress: true })
  await silent.clock.advance(10_000)
  await host.clock.advance(10_000)
  none.update(step)
  view.update({ label: 'marking', done: 7 })
  expect(silent.stderr.text).toBe('')
  expect(host.stderr.text).toBe('{"type":"progress","phase":"marking","done":7}\n')
})

test.each([{ quiet: true }, { quiet: false, progress: false }])('not at all: %j', async (options) => {
  const host = new MemoryHost()
  const view = await progressView(host, { json: false, ...options })
  await host.clock.advance(60_000)
  view.update(step)
  expect(host.stderr.text).toBe('')
})

test('a bar may be updated before it is shown, and after it has gone', async () => {
  const host = new MemoryHost({ isTerminal: true })
  const view = await progressView(host, { json: false, quiet: false })
  view.update(step)
  await host.clock.advance(1_000)
  view.update(step)
  view.update({ label: 'ending', done: 1 })
  view.stop()
  view.stop()
  view.update(step)
  expect(host.stdout.text).toBe('')
})
