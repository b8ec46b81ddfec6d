import { fileName } from '@varve/pack/layout'
import { decodeControl } from '@varve/pack/pack'
import { flipBit, SeededRandom } from '@varve/pack/testing'
import type { CheckReport } from '@varve/store'
import { checkFolder } from '@varve/store/internal'
import { expect } from 'vitest'
import { memoryFolder, openMemory } from './memory-store.ts'
import { bytesOf, filesOf, inspect, type Specimen } from './specimen.ts'

/** A bit of a file. */
export interface Bit {
  readonly file: string
  readonly bit: number
}

/**
 * One bit of each file's every `stride`-th byte; of a stride of 1 every byte has one. Which bit is random.
 */
export function bitsOf(specimen: Specimen, stride: number, seed: number): Bit[] {
  const random = new SeededRandom(seed)
  return filesOf(specimen.disk).flatMap((file) => {
    const { length } = bytesOf(specimen.disk, file)
    const bits: Bit[] = []
    for (let byte = random.below(Math.min(stride, length)); byte < length; byte += stride) {
      bits.push({ file, bit: 8 * byte + random.below(8) })
    }
    return bits
  })
}

/**
 * Whether nothing depends on a byte, so that no check looks at it: those behind the sealed end of a chunk,
 * and no others. See docs/format.md, "Chunk".
 */
export function isNobodys(specimen: Specimen, { file, bit }: Bit): boolean {
  const { chunks } = decodeControl(bytesOf(specimen.disk, fileName.control)).state
  const chunk = chunks.find(({ number }) => fileName.chunk(number) === file)
  return chunk?.length !== null && chunk !== undefined && bit >= 8 * chunk.length
}

/** What a check says of the store as it lies there, with the bit turned over. */
export async function checkedClosed(specimen: Specimen, { file, bit }: Bit): Promise<CheckReport> {
  const disk = specimen.disk.clone()
  disk.damage(`${memoryFolder}/${file}`, flipBit(bit))
  const report = await checkFolder(memoryFolder, { full: true }, { fileSystem: disk, where: 'inline' })
  expect(disk.openHandles()).toEqual([])
  return report
}

/**
 * The same of a store that was open when it happened; what it then says of its contents is right or refused.
 */
export async function checkedOpen(specimen: Specimen, { file, bit }: Bit): Promise<CheckReport> {
  const disk = specimen.disk.clone()
  const store = await openMemory(disk)
  disk.damage(`${memoryFolder}/${file}`, flipBit(bit))
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
