/**
 * Readers in processes of their own beside a writer that commits and collects all the while: each checks
 * every answer, some stand still (SIGSTOP) across collections, and none of them keeps a handle, a file, or
 * the writer.
 */
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { NodeFileSystem } from '@varve/pack/fs'
import { classifyFile } from '@varve/pack/layout'
import { Store } from '@varve/store'
import { expect, onTestFinished, test } from 'vitest'
import { Conversation } from '../support/conversation.ts'
import { isThere } from '../support/installed.ts'
import { leftovers } from '../support/leftovers.ts'

/** A minute of work for two cores, longer where they are busy. */
const COMMITS = 10_000
const READERS = 4
/** Collections that go by while two of the readers stand still. */
const PAUSE = 2

const isProcThere = isThere(existsSync('/proc/self/fd'), '/proc', 'readers in processes of their own')

test.skipIf(!isProcThere)('4 readers beside a writer that commits and collects', async () => {
  const parent = mkdtempSync(join(tmpdir(), 'varve-readers-'))
  const folder = join(parent, 'store')
  const running: Conversation[] = []
  onTestFinished(async () => {
    for (const program of running) await program.kill()
    rmSync(parent, { recursive: true, force: true })
  })
  const writer = new Conversation('numbering-writer', [folder, COMMITS])
  running.push(writer)
  await writer.said(isNumber, 5)
  const readers = Array.from(
    { length: READERS },
    (_, at) => new Conversation('checking-reader', [folder, at]),
  )
  running.push(...readers)
  for (const reader of readers) await reader.said((line) => line === 'open', 1)

  let turn = 0
  while (!writer.isOver) {
    const paused = readers.filter((_, at) => at % 2 === turn % 2)
    for (const reader of paused) reader.signal('SIGSTOP')
    const collected = writer.lines.filter((line) => line === 'collected').length
    await writer.said((line) => line === 'collected', collected + PAUSE).catch(() => undefined)
    for (const reader of paused) reader.signal('SIGCONT')
    turn++
  }
  await writer.ended()
  expect(writer.lines.filter(isNumber)).toHaveLength(COMMITS)
  expect(turn, 'there were collections to stand still for').toBeGreaterThan(5)

  const tallies = []
  for (const reader of readers) {
    await reader.finish()
    tallies.push(JSON.parse(reader.lines.at(-1) as string) as Record<string, number>)
  }
  for (const { checks, reloads } of tallies) {
    expect(checks).toBeGreaterThan(20)
    expect(reloads).toBeGreaterThan(10)
  }
  const unlinked = tallies.reduce((sum, tally) => sum + (tally['unlinked'] as number), 0)
  expect(unlinked, 'some read files that the writer had unlinked').toBeGreaterThan(0)

  const names = readdirSync(folder).filter((name) => classifyFile(name).kind !== 'projections')
  const store = await Store.open(folder)
  expect((await store.branch('main').head())?.message).toBe(`${COMMITS - 1}`)
  await store.close()
  // Nothing was left that the next writer had to clear away.
  expect(readdirSync(folder)).toEqual(expect.arrayContaining(names))
  expect(await leftovers(new NodeFileSystem(), folder)).toEqual([])
})

function isNumber(line: string): boolean {
  return /^\d+$/.test(line)
}
