import { fileName } from '@varve/pack/layout'
import { decodeControl } from '@varve/pack/pack'
import { flipBit, type MemoryFileSystem, SeededRandom } from '@varve/pack/testing'
import type { CheckReport } from '@varve/store'
import { checkFolder } from '@varve/store/internal'
import { expect } from 'vitest'
import { memoryFolder, openMemory } from './memory-store.ts'
import { inspect, type Specimen } from './specimen.ts'
import { lowerFolder } from './two-layers.ts'

/** A bit of a file. */
export interface Bit {
  readonly path: string
  /** As findings call it. */
  readonly file: string
  readonly bit: number
}

/**
 * One bit of each file's every `stride`-th byte, of both layers; of a stride of 1 every byte has one. Which
 * bit is random. Bytes on which nothing depends are left out: those behind the sealed end of a chunk, of
 * which docs/format.md says that they mean nothing; older manifests of a volume, which control does not name;
 * and there are no others.
 */
export async function bitsIn(
  disk: MemoryFileSystem,
  o: { readonly stride: number | ((file: string) => number); readonly seed: number },
): Promise<Bit[]> {
  const random = new SeededRandom(o.seed)
  const bits: Bit[] = []
  for (const { path, file, length } of await countedFiles(disk)) {
    const stride = typeof o.stride === 'number' ? o.stride : o.stride(file)
    for (let byte = random.below(Math.min(stride, length)); byte < length; byte += stride) {
      bits.push({ path, file, bit: 8 * byte + random.below(8) })
    }
  }
  return bits
}

/** Files, each with as many bytes as count. */
async function countedFiles(
  disk: MemoryFileSystem,
): Promise<{ path: string; file: string; length: number }[]> {
  const { chunks, volumes } = decodeControl(await disk.readFile(`${memoryFolder}/${fileName.control}`)).state
  const manifests = volumes.map(({ id, manifest }) => `${fileName.volume(id)}/${fileName.manifest(manifest)}`)
  return [...disk.files()].flatMap(([path, { length }]) => {
    const isUpper = path.startsWith(`${memoryFolder}/`)
    if (!isUpper && !path.startsWith(`${lowerFolder}/`)) return []
    const file = path.slice(isUpper ? memoryFolder.length + 1 : lowerFolder.length + 1)
    if (!isUpper && file.includes('/manifest-') && !manifests.includes(file)) return []
    const sealed = isUpper ? chunks.find(({ number }) => fileName.chunk(number) === file) : undefined
    return [{ path, file, length: sealed?.length ?? length }]
  })
}

/** What a check says of the store as it lies there, with the bit turned over. */
export async function checkedClosed(specimen: Specimen, { path, bit }: Bit): Promise<CheckReport> {
  const disk = specimen.disk.clone()
  disk.damage(path, flipBit(bit))
  const report = await checkFolder(memoryFolder, { full: true }, { fileSystem: disk, where: 'inline' })
  expect(disk.openHandles()).toEqual([])
  return report
}

/**
 * The same of a store that was open when it happened; what it then says of its contents is right or refused.
 */
export async function checkedOpen(specimen: Specimen, { path, bit }: Bit): Promise<CheckReport> {
  const disk = specimen.disk.clone()
  const store = await openMemory(disk)
  disk.damage(path, flipBit(bit))
  const report = await store.check({ full: true })
  expect((await inspect(store, specimen.holdings)).wrong).toEqual([])
  await store.close().catch(() => {})
  return report
}

/** The bits of which a check does not name the file. */
export async function unnoticed(
  bits: readonly Bit[],
  check: (bit: Bit) => Promise<CheckReport>,
): Promise<string[]> {
  const missed: string[] = []
  for (const bit of bits) {
    const { ok, findings } = await check(bit)
    const isNamed = findings.some(({ file }) => file === bit.file)
    if (ok || !isNamed) missed.push(`${bit.file} byte ${Math.floor(bit.bit / 8)} bit ${bit.bit % 8}`)
  }
  return missed
}
