import { beforeAll, describe, expect, it } from 'vitest'
import { loadXxh64 } from '../../base/index.ts'
import { indexKind, recordKind, sha256 } from '../../objects/index.ts'
import {
  FaultFileSystem,
  flipBit,
  formatOperation,
  MemoryFileSystem,
  overwrite,
  traceFileSystem,
  truncateTo,
  zeroRange,
} from '../../testing/index.ts'
import { openChunkFile, recordFlag } from '../frame/index.ts'
import { LogStore, logFolder, logStoreId } from '../log/testing/log-store.ts'
import { scanChunk } from './chunk-scanner.ts'
import type { ScannedBatch } from './index.ts'
import { type RecoveredChunk, recoverChunk } from './recover-chunk.ts'

beforeAll(loadXxh64)

const path = `${logFolder}/suffix-1.pack`

interface Found {
  readonly offset: number
  readonly text: string
}

interface Recovered extends RecoveredChunk {
  readonly found: readonly Found[]
}

async function recover(fs: MemoryFileSystem, mode: 'rewrite' | 'read' = 'rewrite'): Promise<Recovered> {
  const found: Found[] = []
  const chunk = await recoverChunk({
    ...{ fs, folder: logFolder, number: 1, base: 0, storeId: logStoreId, mode },
    onRecord: (r) =>
      found.push({ offset: r.offset, text: r.bytes.toString('latin1', r.bodyStart, r.bodyEnd) }),
  })
  return { ...chunk, found }
}

/**
 * A chunk of batches of three records, each synced before the next; `close`: ended with the closing batch.
 */
async function makeChunk(o: {
  batches: number
  how: 'sync' | 'write'
  close: boolean
}): Promise<{ fs: MemoryFileSystem; bytes: Buffer; records: Found[]; batches: ScanResult[] }> {
  const fs = new MemoryFileSystem()
  const store = await LogStore.create(fs)
  const records: Found[] = []
  for (let batch = 0; batch < o.batches; batch++) {
    for (let i = 0; i < 3; i++) {
      const text = `batch ${batch} record ${i}`.padEnd(20 + ((batch + i) % 9), '.')
      records.push({ offset: store.put(Buffer.from(text)), text })
    }
    await (o.how === 'sync' ? store.log.sync() : store.log.write())
  }
  if (o.close) await store.close()
  const bytes = Buffer.from(fs.files().get(path) as Buffer)
  return { fs, bytes, records, batches: await scanAll(fs) }
}

interface ScanResult {
  readonly start: number
  readonly end: number
  readonly syncedTo: number
  readonly isWhole: boolean
}

async function scanAll(fs: MemoryFileSystem): Promise<ScanResult[]> {
  const expected = { number: 1, base: 0, storeId: logStoreId }
  const { handle, header, size } = await openChunkFile(fs, logFolder, expected, 'read')
  const batches: ScanResult[] = []
  for await (const step of scanChunk({ handle, header, end: size })) {
    if (step.kind === 'damage') batches.push({ ...step.range, syncedTo: -1, isWhole: false })
    else batches.push(resultOf(step.batch))
  }
  await handle.close()
  return batches
}

function resultOf({ start, end, header, isWhole }: ScannedBatch): ScanResult {
  return { start, end, syncedTo: header.syncedTo, isWhole }
}

function damaged(bytes: Buffer, change: (bytes: Buffer) => Buffer, fs: MemoryFileSystem): MemoryFileSystem {
  const copy = fs.clone()
  copy.damage(path, () => change(Buffer.from(bytes)))
  return copy
}

describe('recovery of a whole chunk', () => {
  it('finds every record, and where to go on', async () => {
    const { fs, bytes, records } = await makeChunk({ batches: 4, how: 'sync', close: true })
    const chunk = await recover(fs)
    expect(chunk.found).toEqual(records)
    expect(chunk).toMatchObject({
      ...{ file: 'suffix-1.pack', end: bytes.length, fileSize: bytes.length, recordCount: 12, sequence: 5 },
      ...{ isClosed: true, needsNewChunk: false, damage: [], damageCount: 0, bytesCut: 0, batchesCut: 0 },
    })
  })

  it('collects what an index lists beside the objects', async () => {
    const fs = new MemoryFileSystem()
    const store = await LogStore.create(fs)
    const { log } = store
    const body = Buffer.from('bare')
    const hash = sha256(body, 0, 4)
    store.put(Buffer.from('plain'))
    const bare = log.append(recordKind.blob, recordFlag.bare, hash, 0, body, 0, 4)
    await log.write()
    await store.clock.advance(1000)
    const touch = Buffer.alloc(48)
    touch[0] = indexKind.blob
    touch.write(hash, 8, 'latin1')
    touch.writeUInt32LE(bare, 40)
    log.append(recordKind.touch, 0, undefined, 1, touch, 0, 48)
    const meta = log.append(recordKind.meta, 0, undefined, 0, Buffer.alloc(16), 0, 16)
    const node = Buffer.alloc(16)
    const healed = log.append(recordKind.node, recordFlag.healed, hash, 2, node, 0, 16)
    await store.close()
    const { contents } = await recover(fs)
    const start = store.clock.now() - 1000
    expect([...contents.metadata]).toEqual([meta])
    expect([...contents.healed]).toEqual([healed])
    expect([...contents.touchedOffsets]).toEqual([bare, bare])
    expect([...contents.touchedTimes]).toEqual([start, start + 1000])
    expect(contents.recordCount).toBe(5)
  })

  it('of an unsynced log writes the same bytes again in the same place and syncs once', async () => {
    const { fs, bytes, records } = await makeChunk({ batches: 3, how: 'write', close: false })
    const trace: string[] = []
    const traced = traceFileSystem(fs, (operation) => trace.push(formatOperation(operation, logFolder)))
    const found = await recoverChunk({
      ...{ fs: traced, folder: logFolder, number: 1, base: 0, storeId: logStoreId, mode: 'rewrite' },
      onRecord: () => undefined,
    })
    const { batches } = await makeChunk({ batches: 3, how: 'write', close: false })
    const writes = trace.filter((line) => /^(write|datasync)/.test(line))
    expect(writes).toEqual([
      ...batches.map(({ start, end }) => `write suffix-1.pack @${start}+${end - start}`),
      'datasync suffix-1.pack',
    ])
    expect(found.end).toBe(bytes.length)
    const image = fs.crashImage({ keep: 'none' })
    expect(image.files().get(path)?.equals(bytes)).toBe(true)
    expect((await recover(image)).found).toEqual(records)
  })

  it('for a reader writes nothing', async () => {
    const { fs, records } = await makeChunk({ batches: 3, how: 'write', close: false })
    const pending = fs.pendingChanges().length
    expect((await recover(fs, 'read')).found).toEqual(records)
    expect(fs.pendingChanges()).toHaveLength(pending)
  })

  it('is final when rewriting fails', async () => {
    for (const kind of ['write', 'datasync'] as const) {
      const { fs } = await makeChunk({ batches: 2, how: 'write', close: false })
      const faults = new FaultFileSystem(fs, [{ fault: { kind: 'error', code: 'EIO' }, kinds: [kind] }])
      const recovered = recoverChunk({
        ...{ fs: faults, folder: logFolder, number: 1, base: 0, storeId: logStoreId, mode: 'rewrite' },
        onRecord: () => undefined,
      })
      await expect(recovered).rejects.toMatchObject({ code: 'WRITER_FAILED', cause: { code: 'EIO' } })
      expect(faults.struck).toHaveLength(1)
    }
  })
})

describe('a torn end', () => {
  it('is cut at every length to the last whole batch', async () => {
    const { fs, bytes, records, batches } = await makeChunk({ batches: 3, how: 'sync', close: false })
    for (let length = 64; length <= bytes.length; length++) {
      const chunk = await recover(damaged(bytes, truncateTo(length), fs))
      const end = Math.max(64, ...batches.filter((batch) => batch.end <= length).map((batch) => batch.end))
      expect(chunk.end, `length ${length}`).toBe(end)
      expect(chunk.found).toEqual(records.filter(({ offset }) => offset < end))
      expect([chunk.bytesCut, chunk.needsNewChunk]).toEqual([length - end, length > end])
      expect(chunk.damageCount).toBe(0)
    }
  })

  it('may be zeros or garbage, and is never written over', async () => {
    const { fs, bytes, records } = await makeChunk({ batches: 3, how: 'sync', close: false })
    for (const filler of [0, 0xaa, 0x56]) {
      const torn = damaged(bytes, (b) => Buffer.concat([b, Buffer.alloc(5000, filler)]), fs)
      const chunk = await recover(torn)
      expect(chunk.found).toEqual(records)
      expect(chunk).toMatchObject({ end: bytes.length, bytesCut: 5000, batchesCut: 0, needsNewChunk: true })
      const store = await LogStore.open(torn)
      expect(store.rolls).toEqual([
        { sealed: { number: 1, base: 0, length: bytes.length }, opened: { number: 2, base: 8192 } },
      ])
      expect(store.put(Buffer.from('next'))).toBe(8192 + 64 + 56)
      await store.close()
      expect(torn.files().get(path)?.subarray(bytes.length)).toEqual(Buffer.alloc(5000, filler))
      expect((await LogStore.open(torn)).found).toHaveLength(records.length + 1)
    }
  })

  it('ends the log even if whole batches follow', async () => {
    const { fs, bytes, records, batches } = await makeChunk({ batches: 5, how: 'write', close: false })
    const second = batches[1] as ScanResult
    for (let at = second.start; at < second.end; at++) {
      const chunk = await recover(damaged(bytes, flipBit(at * 8), fs))
      if (chunk.bytesCut === 0) continue // A bit of padding: nobody reads it.
      expect(chunk.end, `byte ${at}`).toBe(second.start)
      expect(chunk.found).toEqual(records.slice(0, 3))
      // Its own header counts when it is whole.
      expect(chunk.batchesCut).toBe(at < second.start + 56 ? 3 : 4)
      expect(chunk.damageCount).toBe(0)
    }
  })
})

describe('corruption below what was synced', () => {
  it('loses at most what the flipped bit is in, and never gives a wrong record', async () => {
    const { fs, bytes, records, batches } = await makeChunk({ batches: 4, how: 'sync', close: true })
    const closing = batches.at(-1) as ScanResult
    const untouched = new Map(records.map(({ offset, text }) => [offset, text]))
    for (let at = 64; at < bytes.length; at++) {
      const chunk = await recover(damaged(bytes, flipBit(at * 8 + (at % 8)), fs))
      for (const { offset, text } of chunk.found) expect(untouched.get(offset)).toBe(text)
      if (at >= closing.start) {
        expect(chunk).toMatchObject({ end: closing.start, bytesCut: 72, damageCount: 0 })
        expect(chunk.found).toHaveLength(12)
        continue
      }
      expect(chunk).toMatchObject({ end: bytes.length, bytesCut: 0, needsNewChunk: false })
      const batch = batches.find(({ start, end }) => at >= start && at < end) as ScanResult
      const others = records.filter(({ offset }) => offset < batch.start || offset >= batch.end)
      expect(chunk.found, `byte ${at}`).toEqual(expect.arrayContaining(others))
      if (chunk.damageCount === 0) expect(chunk.found).toEqual(records)
      else expect(chunk.damage.some(({ start, end }) => at >= start && at < end)).toBe(true)
      // A batch that lost its header or trailer still has its records; one with a bad body still the others.
      expect(chunk.found.length).toBeGreaterThanOrEqual(9)
      const inHeader = at < batch.start + 56
      const inTrailer = at >= batch.end - 16
      if (inHeader || inTrailer) expect(chunk.found).toEqual(records)
    }
  })

  it('isolates one record when the lengths of all are proved', async () => {
    const { fs, bytes, records } = await makeChunk({ batches: 2, how: 'sync', close: true })
    const victim = records[1] as Found
    const chunk = await recover(damaged(bytes, flipBit((victim.offset + 48) * 8), fs))
    expect(chunk.found).toEqual(records.filter((record) => record !== victim))
    expect(chunk.damage).toEqual([{ start: victim.offset, end: victim.offset + 72, what: 'record' }])
  })

  it('loses a range of batches without losing what follows', async () => {
    const { fs, bytes, records, batches } = await makeChunk({ batches: 6, how: 'sync', close: true })
    const from = (batches[1] as ScanResult).start
    const to = (batches[3] as ScanResult).end
    const chunk = await recover(damaged(bytes, zeroRange(from, to), fs))
    expect(chunk.damage).toEqual([{ start: from, end: to, what: 'batch' }])
    expect(chunk.found).toEqual(records.filter(({ offset }) => offset < from || offset >= to))
    expect(chunk).toMatchObject({ end: bytes.length, bytesCut: 0, sequence: 7 })
  })

  it('and a torn end behind it are told apart at the mark, in the middle of a gap', async () => {
    const fs = new MemoryFileSystem()
    const store = await LogStore.create(fs)
    const puts = async (how: 'sync' | 'write'): Promise<number> => {
      store.put(Buffer.from('some body'))
      await (how === 'sync' ? store.log.sync() : store.log.write())
      return store.log.end
    }
    const first = await puts('sync')
    const mark = await puts('sync')
    const third = await puts('write')
    const fourth = await puts('write')
    const copy = fs.clone()
    copy.damage(path, zeroRange(first, third))
    const chunk = await recover(copy)
    expect(chunk.end).toBe(mark)
    expect(chunk.found).toHaveLength(1)
    expect(chunk.damage).toEqual([{ start: first, end: mark, what: 'batch' }])
    expect(chunk).toMatchObject({ bytesCut: fourth - mark, batchesCut: 1, needsNewChunk: true })
  })

  it('counts the mark of a header whose own batch is torn', async () => {
    const { fs, bytes, batches, records } = await makeChunk({ batches: 3, how: 'sync', close: false })
    const [first, , last] = batches as [ScanResult, ScanResult, ScanResult]
    const torn = damaged(
      bytes,
      (b) => flipBit((first.start + 56 + 60) * 8)(b).subarray(0, last.start + 60),
      fs,
    )
    const chunk = await recover(torn)
    expect(chunk.end).toBe(last.start)
    expect(chunk.damageCount).toBe(1)
    expect(chunk.found).toHaveLength(5)
    expect(chunk.found.at(-1)).toEqual(records[5])
  })

  it('is not deceived by content that looks like the chunk itself', async () => {
    const fs = new MemoryFileSystem()
    const store = await LogStore.create(fs)
    store.put(Buffer.from('first'))
    await store.log.sync()
    // Every byte of the file so far, and each 8-byte shift of it, as the content of blobs.
    for (let shift = 0; shift < 64; shift += 8) {
      const copy = Buffer.from(fs.files().get(path) as Buffer)
      store.put(Buffer.concat([Buffer.alloc(shift), copy]))
      await store.log.sync()
    }
    await store.close()
    const bytes = Buffer.from(fs.files().get(path) as Buffer)
    const batches = await scanAll(fs)
    for (const { start } of batches.slice(0, -1)) {
      const copy = fs.clone()
      copy.damage(path, () => zeroRange(start, start + 56)(Buffer.from(bytes)))
      const starts = (await scanAll(copy)).filter(({ isWhole }) => isWhole).map((batch) => batch.start)
      expect(starts).toEqual(batches.map((batch) => batch.start).filter((other) => other !== start))
      const chunk = await recover(copy)
      expect(chunk).toMatchObject({ recordCount: 9, bytesCut: 0 })
    }
  })

  it('does not take a batch of another chunk, or one from another place, for its own', async () => {
    const { fs, bytes, batches } = await makeChunk({ batches: 4, how: 'sync', close: true })
    const [, second, third] = batches as [ScanResult, ScanResult, ScanResult]
    const length = Math.min(second.end - second.start, third.end - third.start)
    const moved = bytes.subarray(second.start, second.start + length)
    const chunk = await recover(damaged(bytes, overwrite(third.start, Buffer.from(moved)), fs))
    expect(chunk.damageCount).toBeGreaterThan(0)
    expect(chunk.found.filter(({ offset }) => offset >= third.start && offset < third.end)).toEqual([])
    expect(chunk.bytesCut).toBe(0)
  })
})

describe('large chunks', () => {
  it('are scanned through windows that batches and searches reach over', async () => {
    const fs = new MemoryFileSystem()
    const store = await LogStore.create(fs)
    const body = Buffer.alloc(100_000, 7)
    const offsets: number[] = []
    for (let i = 0; i < 60; i++) {
      offsets.push(store.put(body))
      if (i % 13 === 0) await store.log.sync()
      if (i % 29 === 0) await store.log.write()
    }
    await store.close()
    expect((await recover(fs)).found.map(({ offset }) => offset)).toEqual(offsets)
    const size = (fs.files().get(path) as Buffer).length
    fs.damage(path, zeroRange(200_000, 4_000_000))
    const chunk = await recover(fs)
    expect(chunk).toMatchObject({ end: size, bytesCut: 0 })
    const lost = offsets.filter((offset) => !chunk.found.some((found) => found.offset === offset))
    expect(lost.every((offset) => offset > 90_000 && offset < 4_100_000)).toBe(true)
  })
})
