/** Reading a part of large content: what is read for it, and how such a reading ends. */
import type { FileSystem } from '@varve/pack/fs'
import { InterceptedFileSystem } from '@varve/pack/testing'
import type { StoredBlob } from '@varve/store'
import { describe, expect, test } from 'vitest'
import { expectCode } from '../support/scenario.ts'
import { seededBytes } from '../support/seeded-bytes.ts'
import { type TempStore, withStore } from '../support/temp-store.ts'

const mib = 1024 * 1024
const wholeBytesMax = 256 * 1024
const content = seededBytes(21, 6 * mib)

type Range = Parameters<StoredBlob['stream']>[0]

/** Bytes that were read from pack files. */
class ReadMeter {
  bytes = 0

  readonly wrap = (inner: FileSystem): FileSystem =>
    new InterceptedFileSystem(inner, {
      before: ({ kind, path, length = 0 }) => {
        if (kind === 'read' && path.endsWith('.pack')) this.bytes += length
        return undefined
      },
    })
}

async function stored(temp: TempStore, bytes: Uint8Array = content): Promise<StoredBlob> {
  const hash = await temp.store.putBlob([bytes])
  await temp.reopen()
  return (await temp.store.openBlob(hash)) as StoredBlob
}

async function readAll(blob: StoredBlob, range?: Range): Promise<Buffer> {
  const pieces: Uint8Array[] = []
  for await (const piece of blob.stream(range)) pieces.push(piece)
  return Buffer.concat(pieces)
}

function slice(offset = 0, length = Number.POSITIVE_INFINITY): Buffer {
  return Buffer.from(content.subarray(offset, Math.min(content.length, offset + length)))
}

describe('ranges', () => {
  test.each([
    [undefined, undefined],
    [0, 0],
    [0, 1],
    [3 * mib, 1],
    [3 * mib, 1_000_000],
    [content.length - 1, 1],
    [content.length - 1, 100],
    [content.length, 1],
    [content.length + 5, 1],
    [1_000, undefined],
    [0, content.length],
  ])('offset %s, length %s', (offset, length) =>
    withStore({}, async (temp) => {
      const found = await readAll(await stored(temp), { offset, length })
      expect(found.equals(slice(offset, length))).toBe(true)
    }),
  )

  test.each([{ offset: -1 }, { offset: 0.5 }, { length: -1 }, { length: Number.NaN }])(
    '%o is refused',
    (range) =>
      withStore({}, async (temp) => {
        const blob = await stored(temp)
        expect(() => blob.stream(range)).toThrow(expect.objectContaining({ code: 'OPTION_MISMATCH' }))
      }),
  )

  test('a small blob has ranges too', () =>
    withStore({}, async (temp) => {
      const blob = await stored(temp, content.subarray(0, 1_000))
      expect((await readAll(blob, { offset: 10, length: 20 })).equals(slice(10, 20))).toBe(true)
      expect((await readAll(blob, { offset: 990 })).equals(slice(990, 10))).toBe(true)
      expect(await readAll(blob, { offset: 1_000 })).toHaveLength(0)
    }))

  test('only the chunks that a range touches are read, wherever it lies', () => {
    const meter = new ReadMeter()
    return withStore({ wrap: meter.wrap, cacheBytes: mib }, async (temp) => {
      const blob = await stored(temp)
      for (const offset of [0, 2 * mib, content.length - 100]) {
        const before = meter.bytes
        expect((await readAll(blob, { offset, length: 100 })).equals(slice(offset, 100))).toBe(true)
        // The blob's list, and at most two chunks with what lies beside them in their blocks.
        expect(meter.bytes - before).toBeLessThan(3 * wholeBytesMax)
      }
      const before = meter.bytes
      await readAll(blob)
      expect(meter.bytes - before).toBeGreaterThan(content.length / 2)
      expect(meter.bytes - before).toBeLessThan(2 * content.length)
    })
  })

  test('nothing is read ahead of who reads slowly', () => {
    const meter = new ReadMeter()
    return withStore({ wrap: meter.wrap, cacheBytes: mib }, async (temp) => {
      const blob = await stored(temp)
      const before = meter.bytes
      const reader = blob.stream().getReader()
      await reader.read()
      expect(meter.bytes - before).toBeLessThan(6 * wholeBytesMax)
      await reader.cancel()
      expect(temp.store.stats().openReaders).toBe(0)
    })
  })
})

describe('a reading that does not come to its end', () => {
  test('cancelled, left, or aborted: it lets go of the files', () =>
    withStore({}, async (temp) => {
      const blob = await stored(temp)
      const { store } = temp
      const cancelled = blob.stream().getReader()
      await cancelled.read()
      expect(store.stats().openReaders).toBe(1)
      await cancelled.cancel()
      expect(store.stats().openReaders).toBe(0)
      for await (const piece of blob.stream()) {
        expect(piece.length).toBeGreaterThan(0)
        break
      }
      expect(store.stats().openReaders).toBe(0)
      const abort = new AbortController()
      const reason = new Error('enough')
      const reading = blob.stream({ signal: abort.signal }).getReader()
      await reading.read()
      abort.abort(reason)
      const drain = async (): Promise<void> => {
        while (!(await reading.read()).done);
      }
      const failure = await drain().catch((e: unknown) => e)
      expect(failure).toMatchObject({ code: 'ABORTED', name: 'AbortError', cause: reason })
      expect(store.stats().openReaders).toBe(0)
      expect(() => blob.stream({ signal: abort.signal })).toThrow(
        expect.objectContaining({ code: 'ABORTED' }),
      )
      expect((await readAll(blob)).equals(content)).toBe(true)
    }))

  test('closing the store ends it with STORE_CLOSED', () =>
    withStore({}, async (temp) => {
      const blob = await stored(temp)
      const reading = blob.stream().getReader()
      await reading.read()
      await temp.close()
      const drain = async (): Promise<void> => {
        while (!(await reading.read()).done);
      }
      await expectCode(drain(), 'STORE_CLOSED')
      temp.checkHandles()
      await expectCode(readAll(blob), 'STORE_CLOSED')
      await expectCode(blob.bytes(), 'STORE_CLOSED')
    }))

  test('a collection that drops the blob does not disturb who reads it', () =>
    withStore({}, async (temp) => {
      const blob = await stored(temp)
      const reading = blob.stream().getReader()
      const pieces: Uint8Array[] = []
      const first = await reading.read()
      if (!first.done) pieces.push(first.value)
      await temp.store.gc.run(undefined, { grace: 0 })
      expect(await temp.store.getBlob(blob.hash)).toBeUndefined()
      for (let next = await reading.read(); !next.done; next = await reading.read()) pieces.push(next.value)
      expect(Buffer.concat(pieces).equals(content)).toBe(true)
      await expectCode(readAll(blob), 'COLLECTED')
    }))
})
