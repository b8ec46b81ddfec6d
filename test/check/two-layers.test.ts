import { fileName } from '@varve/pack/layout'
import { decodeControl } from '@varve/pack/pack'
import { flipBit, type MemoryFileSystem } from '@varve/pack/testing'
import type { CheckFinding, CheckReport, Hash } from '@varve/store'
import { checkFolder } from '@varve/store/internal'
import { beforeAll, describe, expect, test } from 'vitest'
import { bitsIn, unnoticed } from '../support/flipped-bytes.ts'
import { memoryFolder, openMemory } from '../support/memory-store.ts'
import { lowerFolder, makeTwoLayers } from '../support/two-layers.ts'

let whole: MemoryFileSystem
beforeAll(async () => {
  whole = await makeTwoLayers({ bigBytes: 300_000 })
})

function check(disk: MemoryFileSystem, lower?: null): Promise<CheckReport> {
  return checkFolder(memoryFolder, { full: true }, { fileSystem: disk, where: 'inline', lower })
}

function isWarning({ severity }: CheckFinding): boolean {
  return severity === 'warning'
}

test('both layers of a whole store are checked, open, closed, and opened to read', async () => {
  const disk = whole.clone()
  const report = await check(disk)
  expect(report.findings).toEqual([])
  const upper = await check(disk, null)
  expect(upper.findings).toEqual([])
  expect(upper.objects).toBeLessThan(report.objects)
  const store = await openMemory(disk)
  expect(await store.check({ full: true })).toMatchObject({ ok: true, objects: report.objects })
  await store.close()
  expect(disk.openHandles()).toEqual([])
})

describe('where the lower layer is', () => {
  test('away, each volume is a warning, and nothing else is', async () => {
    const disk = whole.clone()
    await disk.rename(lowerFolder, '/disk/away')
    const { findings } = await check(disk)
    const { volumes } = decodeControl(await disk.readFile(`${memoryFolder}/control`)).state
    expect(volumes.length).toBeGreaterThan(1)
    expect(findings.map(({ file }) => file.replace(/\/manifest-\d+$/, ''))).toEqual(
      volumes.map(({ id }) => fileName.volume(id)),
    )
    expect(findings.every(isWarning)).toBe(true)
    await disk.rename('/disk/away', lowerFolder)
    expect((await check(disk)).ok).toBe(true)
  })

  test('emptied of a file, that file is named', async () => {
    const disk = whole.clone()
    const names = (await disk.list(`${lowerFolder}/volume-1`)).filter((name) => !name.startsWith('manifest'))
    expect(names).toHaveLength(2)
    for (const name of names) {
      const copy = whole.clone()
      await copy.remove(`${lowerFolder}/volume-1/${name}`)
      expect((await check(copy)).findings.map(({ file }) => file)).toContain(`volume-1/${name}`)
    }
  })
})

test('one bit flipped in any file of two layers is found in that file', async () => {
  const small = await makeTwoLayers({ bigBytes: 0 })
  const bits = await bitsIn(small, { stride: 701, seed: 7_401 })
  expect(new Set(bits.map(({ file }) => file)).size).toBeGreaterThan(15)
  const check = async ({ path, bit }: { path: string; bit: number }): Promise<CheckReport> => {
    const disk = small.clone()
    disk.damage(path, flipBit(bit))
    return checkFolder(memoryFolder, { full: true }, { fileSystem: disk, where: 'inline' })
  }
  expect(await unnoticed(bits, check)).toEqual([])
})

test('what is damaged in a volume is repairable from another, and lost where none has it', async () => {
  const disk = whole.clone()
  const store = await openMemory(disk)
  const oldestFirst = (await store.log((await store.branch('main').head()) as never).toArray()).reverse()
  const hash = (await oldestFirst[3]?.tree().stat('d3/f0'))?.hash as Hash
  const { file = '', offset = 0 } = await store.locate(hash)
  expect(file).toMatch(/^volume-\d\//)
  await store.close()
  disk.damage(`${lowerFolder}/${file}`, flipBit(8 * (offset + 50)))
  const [first, ...others] = (await check(disk)).findings
  expect(others).toEqual([])
  expect(first).toMatchObject({ file, offset, hash, repairable: true })
  expect(first?.lost).toBeUndefined()
  const [, copyFile = '', copyOffset = ''] = /a whole copy is in (\S+) at (\d+)/.exec(first?.what ?? '') ?? []
  expect(copyFile).not.toBe(file)
  disk.damage(`${lowerFolder}/${copyFile}`, flipBit(8 * (Number(copyOffset) + 50)))
  const both = (await check(disk)).findings
  expect(both.map((finding) => finding.file).sort()).toEqual([copyFile, file].sort())
  for (const { repairable, lost = [] } of both) {
    expect(repairable).toBe(false)
    expect(lost.map(({ path }) => path)).toContain('d3/f0')
  }
})
