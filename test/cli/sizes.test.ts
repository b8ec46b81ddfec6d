/** What `status` and `du` tell of sizes. */
import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { SeededRandom } from '@varve/pack/testing'
import { Store } from '@varve/store'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { varve } from '../support/command-line.ts'

let folder = ''

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'varve-sizes-'))
})

afterEach(() => rmSync(folder, { recursive: true, force: true }))

type Line = Readonly<Record<string, unknown>>

async function linesOf(...argv: readonly string[]): Promise<Line[]> {
  const { exit, stdout, stderr } = await varve(['-s', 'store', '--json', ...argv], { folder })
  expect({ exit, stderr }).toEqual({ exit: 0, stderr: '' })
  const lines = stdout.trimEnd().split('\n')
  return lines.map((line) => JSON.parse(line) as Line)
}

test('a directory: the largest first, and what the whole is', async () => {
  const store = await Store.open(join(folder, 'store'))
  const random = new SeededRandom(3)
  const sizes = new Map<string, number>()
  await store.branch('main').commit((edit) => {
    for (let i = 0; i < 300; i++) {
      const name = `d/f${i}`
      const size = random.below(50)
      sizes.set(`f${i}`, size)
      edit.set(name, 'x'.repeat(size))
    }
    for (let i = 0; i < 40; i++) edit.set(`d/inner/deep/${i}`, 'y'.repeat(100))
  })
  await store.close()
  const total = [...sizes.values()].reduce((sum, size) => sum + size, 4_000)
  const lines = await linesOf('du', 'main:d')
  expect(lines.pop()).toEqual({ type: 'total', bytes: total, entries: 301 })
  expect(lines[0]).toMatchObject({ kind: 'tree', name: 'inner', bytes: 4_000, entries: 1 })
  expect(new Map(lines.slice(1).map(({ name, bytes }) => [name, bytes]))).toEqual(sizes)
  const bytes = lines.map((line) => line['bytes'] as number)
  expect(bytes).toEqual([...bytes].sort((a, b) => b - a))
  for (const limit of [0, 1, 7, 300, 301, 5_000]) {
    const some = await linesOf('du', '--limit', String(limit), 'main:d')
    const shown = lines.slice(0, limit)
    expect(some.slice(0, shown.length).map(({ bytes }) => bytes)).toEqual(shown.map(({ bytes }) => bytes))
    const rest = lines.slice(limit)
    const restBytes = rest.reduce((sum, line) => sum + (line['bytes'] as number), 0)
    const others = rest.length === 0 ? [] : [{ type: 'others', bytes: restBytes, entries: rest.length }]
    expect(some.slice(shown.length)).toEqual([...others, { type: 'total', bytes: total, entries: 301 }])
  }
  expect((await linesOf('du', 'main')).pop()).toEqual({ type: 'total', bytes: total, entries: 1 })
})

test('a store with a lower layer: files, then volumes', async () => {
  const store = await Store.open(join(folder, 'store'), { lower: join(folder, 'lower') })
  const main = store.branch('main')
  for (let i = 0; i < 20; i++) await main.commit((edit) => void edit.set(`f${i}`, 'x'.repeat(1_000 + i)))
  await store.gc.run(await main.head(), { grace: 0 })
  await store.close()
  const lines = await linesOf('du')
  const total = lines.pop()
  const volume = lines.pop()
  expect(volume).toMatchObject({ type: 'file', name: 'volume-1/' })
  expect(volume?.['bytes']).toBeGreaterThan(20_000)
  for (const { name, bytes } of lines)
    expect(bytes).toBe(statSync(join(folder, 'store', name as string)).size)
  const there = readdirSync(join(folder, 'store')).filter((name) =>
    statSync(join(folder, 'store', name)).isFile(),
  )
  expect(lines.map(({ name }) => name).toSorted()).toEqual(there.toSorted())
  const upper = lines.reduce((sum, line) => sum + (line['bytes'] as number), 0)
  expect(total).toEqual({ type: 'total', bytes: upper + (volume?.['bytes'] as number) })
  const [status] = await linesOf('status')
  expect(status).toMatchObject({ bytes: upper, archivedBytes: volume?.['bytes'], volumes: [{ id: 1 }] })
  expect((await varve(['-s', 'store', 'status'], { folder })).stdout).toContain('\nvolumes\t1\n')
})
