/** A log read in pieces while it grows: together they are what one reading of the whole finds. */
import { beforeAll, describe, expect, it } from 'vitest'
import { loadXxh64 } from '../../base/index.ts'
import { MemoryFileSystem, SeededRandom } from '../../testing/index.ts'
import { openChunkFile } from '../frame/index.ts'
import { LogStore, logFolder, logStoreId } from '../log/testing/log-store.ts'
import type { DamagedRange } from './index.ts'
import { type LogPosition, type RecoveredChunk, readChunkLog, recoverChunk } from './recover-chunk.ts'
import { ScanMemory } from './scan-memory.ts'

beforeAll(loadXxh64)

const path = `${logFolder}/suffix-1.pack`
const expected = { number: 1, base: 0, storeId: logStoreId }

/** Batches of one to three records, some synced before the next and some not. */
async function makeLog(
  random: SeededRandom,
): Promise<{ fs: MemoryFileSystem; bytes: Buffer; ends: number[] }> {
  const fs = new MemoryFileSystem()
  const store = await LogStore.create(fs)
  const ends = [64]
  for (let batch = 0; batch < 8; batch++) {
    for (let n = random.below(3); n >= 0; n--) store.put(random.bytes(random.below(90)))
    await (random.chance(0.5) ? store.log.sync() : store.log.write())
    ends.push(store.log.end)
  }
  return { fs, bytes: Buffer.from(fs.files().get(path) as Buffer), ends }
}

/** Reads the file at each of these lengths, on from where the reading before ended. */
async function readInPieces(
  fs: MemoryFileSystem,
  bytes: Buffer,
  lengths: readonly number[],
): Promise<{ found: number[]; end: number; damage: DamagedRange[]; ends: number[] }> {
  const found: number[] = []
  const ends: number[] = []
  const damage: DamagedRange[] = []
  const memory = new ScanMemory()
  let after: LogPosition | undefined
  fs.damage(path, () => Buffer.from(bytes.subarray(0, 64)))
  const { handle, header } = await openChunkFile(fs, logFolder, expected, 'read')
  for (const length of lengths) {
    fs.damage(path, () => Buffer.from(bytes.subarray(0, length)))
    const onRecord = ({ offset }: { offset: number }): void => void found.push(offset)
    const piece: RecoveredChunk = await readChunkLog({ handle, header, after, memory, onRecord })
    after = piece.position
    damage.push(...piece.damage)
    ends.push(piece.end)
  }
  await handle.close()
  return { found, end: after?.end ?? 0, damage, ends }
}

async function readWhole(fs: MemoryFileSystem): Promise<{ found: number[]; chunk: RecoveredChunk }> {
  const found: number[] = []
  const chunk = await recoverChunk({
    ...{ fs, folder: logFolder, ...expected, mode: 'read' },
    onRecord: ({ offset }) => void found.push(offset),
  })
  return { found, chunk }
}

function someLengths(random: SeededRandom, size: number): number[] {
  const lengths = Array.from({ length: random.below(12) }, () => 64 + random.below(size - 64))
  return [...lengths.sort((a, b) => a - b), size]
}

describe('a log that grows', () => {
  it.each(Array.from({ length: 60 }, (_, seed) => seed))('is read whole in pieces, seed %i', async (seed) => {
    const random = new SeededRandom(seed)
    const { fs, bytes, ends } = await makeLog(random)
    const lengths = someLengths(random, bytes.length)
    const pieces = await readInPieces(fs, bytes, lengths)
    const whole = await readWhole(fs)
    expect(pieces).toMatchObject({ found: whole.found, end: bytes.length, damage: [] })
    const reached = lengths.map((length) => ends.filter((end) => end <= length).at(-1))
    expect(pieces.ends, 'up to the last whole batch').toEqual(reached)
  })

  it.each(Array.from({ length: 200 }, (_, seed) => seed))('with damage in it, seed %i', async (seed) => {
    const random = new SeededRandom(1_000 + seed)
    const { fs, bytes } = await makeLog(random)
    const at = 64 + random.below(bytes.length - 64)
    const length = random.chance(0.5) ? 1 : random.below(200)
    for (let n = at; n < Math.min(at + length, bytes.length); n++) bytes[n] = (bytes[n] as number) ^ 0x55
    const pieces = await readInPieces(fs, bytes, someLengths(random, bytes.length))
    const { found, chunk } = await readWhole(fs)
    expect(pieces.end).toBe(chunk.end)
    expect(pieces.found).toEqual(found)
    expect(coverage(pieces.damage)).toEqual(coverage(chunk.damage))
  })

  it('of a sealed chunk is all that was durable once, whatever stands behind it', async () => {
    const { fs, bytes, ends } = await makeLog(new SeededRandom(5))
    const sealedAt = ends[6] as number
    bytes.fill(0, ends[4], ends[4]! + 8)
    fs.damage(path, () => bytes)
    const { handle, header } = await openChunkFile(fs, logFolder, expected, 'read')
    const found: number[] = []
    const onRecord = ({ offset }: { offset: number }): void => void found.push(offset)
    const chunk = await readChunkLog({ handle, header, sealedLength: sealedAt, onRecord })
    expect(chunk).toMatchObject({ end: sealedAt, bytesCut: 0, position: { mark: sealedAt } })
    expect(chunk.damageCount).toBeGreaterThan(0)
    expect(found.every((offset) => offset < sealedAt)).toBe(true)
    expect(found.some((offset) => offset > (ends[5] as number))).toBe(true)
    await handle.close()
  })
})

/** The bytes that are damaged, however they were told. */
function coverage(damage: readonly DamagedRange[]): number[] {
  const bytes = new Set<number>()
  for (const { start, end } of damage) for (let at = start; at < end; at++) bytes.add(at)
  return [...bytes].sort((a, b) => a - b)
}
