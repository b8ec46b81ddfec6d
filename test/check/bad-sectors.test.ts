/** Bytes of a file that the disk does not give any more: named by a check, and mended as damage is. */
import { InterceptedFileSystem, type MemoryFileSystem } from '@varve/pack/testing'
import { checkFolder, repairStore } from '@varve/store/internal'
import { beforeAll, expect, test } from 'vitest'
import {
  copyFolder,
  type LayersSpecimen,
  makeLayersSpecimen,
  readEverything,
} from '../support/layers-specimen.ts'
import { memoryFolder, openMemory } from '../support/memory-store.ts'

const sectorBytes = 4096

let specimen: LayersSpecimen
beforeAll(async () => {
  specimen = await makeLayersSpecimen({ bigBytes: 300_000 })
})

/** A disk on which one sector of a file cannot be read. What takes the file's place lies elsewhere. */
function withBadSector(disk: MemoryFileSystem, path: string, from: number): InterceptedFileSystem {
  let isThere = true
  const error = Object.assign(new Error('EIO: read'), { code: 'EIO', errno: -5, syscall: 'read' })
  return new InterceptedFileSystem(disk, {
    before: ({ kind, path: read, position = 0, length = 0 }) => {
      const isBad = read === path && position < from + sectorBytes && position + length > from
      return kind === 'read' && isThere && isBad ? { kind: 'fail', error } : undefined
    },
    after: ({ kind, path: changed, to }) => {
      if (['rename', 'create', 'remove'].includes(kind) && [changed, to].includes(path)) isThere = false
    },
  })
}

function filesLike(pattern: RegExp): string[] {
  const paths = [...specimen.disk.files().keys()]
  return paths.filter((path) => !path.startsWith(`${copyFolder}/`) && pattern.test(path))
}

test.each([
  /store\/suffix-\d+\.pack$/,
  /store\/gen-\d+\.pack$/,
  /store\/gen-\d+\.map$/,
  /store\/suffix-\d+\.idx$/,
  /volume-\d+\/suffix-\d+\.pack$/,
  /volume-\d+\/gen-\d+\.pack$/,
])('a sector of %s', async (pattern) => {
  let mended = 0
  for (const path of filesLike(pattern)) {
    const length = specimen.disk.files().get(path)?.length ?? 0
    for (const from of [0, sectorBytes, length - (length % sectorBytes)]) {
      const disk = specimen.disk.clone()
      const through = withBadSector(disk, path, from)
      const at = `${path} from ${from} on`
      const { findings } = await checkFolder(memoryFolder, {}, { fileSystem: through, where: 'inline' })
      // Behind the sealed end of a chunk nobody looks.
      if (findings.length === 0) continue
      expect(
        findings.some(({ file }) => path.endsWith(file)),
        at,
      ).toBe(true)
      const platform = { fileSystem: through, memoryKey: disk, collectorWhere: 'inline' } as const
      const { remaining } = await repairStore(memoryFolder, { apply: true, from: copyFolder }, platform)
      expect(remaining, at).toEqual([])
      const store = await openMemory(disk, { through })
      expect((await readEverything(store, specimen.held)).refused, at).toEqual(new Map())
      await store.close()
      mended++
    }
  }
  expect(mended).toBeGreaterThan(0)
})
