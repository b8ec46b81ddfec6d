import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Store } from '@varve/store'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type CommandOutcome, varve } from '../support/command-line.ts'

let folder = ''
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'varve-doctor-'))
  const store = await Store.open(folder)
  await store.branch('secret-branch').commit((edit) => void edit.set('secret-name', 'secret content'), {
    message: 'secret message',
    author: 'secret author',
  })
  await store.close()
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

function doctor(...argv: string[]): Promise<CommandOutcome> {
  return varve(['-s', folder, 'doctor', ...argv])
}

async function facts(): Promise<Record<string, unknown>> {
  return JSON.parse((await doctor('--json')).stdout) as Record<string, unknown>
}

test('tells of the machine and of the files, and nothing of what is stored', async () => {
  const { exit, stdout } = await doctor('--json')
  expect(exit).toBe(0)
  expect(JSON.parse(stdout)).toMatchObject({
    type: 'doctor',
    node: process.versions.node,
    platform: process.platform,
    control: { format: 1, chunks: [{ number: 1 }], wholeCopies: 2 },
    missing: [],
    leftovers: [],
    failures: [],
    events: [],
    hints: [],
  })
  expect(stdout).not.toContain('secret')
  expect((await doctor()).stdout).toMatch(/^varve\t/)
  expect((await doctor()).stdout).not.toContain('secret')
})

test('says who writes, what is left over, what is not ours, and what is missing', async () => {
  writeFileSync(join(folder, 'gen-7.pack'), 'left by a crash')
  writeFileSync(join(folder, 'notes.txt'), 'somebody else put it here')
  expect(await facts()).toMatchObject({
    leftovers: [{ name: 'gen-7.pack', bytes: 15 }],
    others: [{ name: 'notes.txt' }],
    hints: [expect.stringContaining('left over')],
  })
  const store = await Store.open(folder)
  expect(await facts()).toMatchObject({ writer: { pid: process.pid }, leftovers: [], hints: [] })
  await store.close()
  rmSync(join(folder, 'suffix-1.pack'))
  const { missing, failures, hints } = await facts()
  expect(missing).toEqual(['suffix-1.pack'])
  expect(failures).toHaveLength(1)
  expect(hints).toEqual([expect.stringContaining('missing')])
})

test('writes it all to a new file', async () => {
  const file = join(folder, '..', `bundle-${process.pid}.json`)
  try {
    expect((await doctor('--bundle', file)).exit).toBe(0)
    const bundle = readFileSync(file, 'utf8')
    expect(JSON.parse(bundle)).toMatchObject({ type: 'doctor', control: { format: 1 } })
    expect(bundle).not.toContain('secret')
    expect((await doctor('--bundle', file)).exit, 'nothing is overwritten').toBe(5)
  } finally {
    rmSync(file, { force: true })
  }
})

test('a folder without a store is none', async () => {
  rmSync(folder, { recursive: true })
  expect((await doctor()).exit).toBe(10)
})
