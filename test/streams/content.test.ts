/**
 * Content that streams in: what it must be, what it shares with what is there, and what stays when it does
 * not come to its end.
 */
import { Readable } from 'node:stream'
import type { ContentStream, Hash, Store } from '@varve/store'
import { describe, expect, test } from 'vitest'
import { PausedSource } from '../support/paused-source.ts'
import { sha256 } from '../support/read-whole.ts'
import { expectCode } from '../support/scenario.ts'
import { piecesOf, seededBytes } from '../support/seeded-bytes.ts'
import { settled } from '../support/stepper.ts'
import { type TempStore, withStore } from '../support/temp-store.ts'

const mib = 1024 * 1024
/** The most that lies in one record. */
const wholeBytesMax = 256 * 1024
const nowhere = 'ab'.repeat(32) as Hash<'blob'>

/** An awaited source, as one that comes over a wire. */
async function* streamOf(bytes: Uint8Array, pieceBytes = 60_000): AsyncGenerator<Uint8Array> {
  yield* piecesOf(bytes, pieceBytes)
}

function hashOf(bytes: Uint8Array | string): Hash<'blob'> {
  return sha256(bytes) as Hash<'blob'>
}

/** Bytes in all files, with what the log holds and has not written yet. */
function bytesIn(store: Store): number {
  return store.stats().files.reduce((sum, { bytes }) => sum + bytes, 0)
}

/** Compared as a whole: byte by byte an assertion takes seconds. */
function expectSame(found: Uint8Array | undefined, wanted: Uint8Array): void {
  expect(found?.length).toBe(wanted.length)
  expect(Buffer.compare(found ?? Buffer.alloc(0), wanted)).toBe(0)
}

/** Asserts that a collection finds nothing to keep that was not there before. */
async function expectNothingReachable(temp: TempStore, hash: Hash<'blob'>): Promise<void> {
  const { store } = temp
  expect(await store.hasBlobs([hash])).toEqual([false])
  expect(await store.getBlob(hash)).toBeUndefined()
  expect(await store.openBlob(hash)).toBeUndefined()
  await store.gc.run(undefined, { grace: 0 })
  expect(store.stats().objects).toEqual({ blob: 0, tree: 0, commit: 0 })
}

/** From a blob of no bytes to one of several chunks, with both sides of the border. */
const sizes = [0, 1, 5_000, wholeBytesMax - 1, wholeBytesMax, wholeBytesMax + 1, 3 * mib] as const

describe('what is expected of content', () => {
  test.each(sizes)('%i bytes with another hash: DIGEST_MISMATCH, and nothing is reachable', (size) =>
    withStore({}, async (temp) => {
      const bytes = seededBytes(size + 1, size)
      for (const content of [bytes, streamOf(bytes)]) {
        const failure = await temp.store.putBlob(content, { expected: nowhere }).catch((e: unknown) => e)
        expect(failure).toMatchObject({
          code: 'DIGEST_MISMATCH',
          details: { expected: nowhere, actual: hashOf(bytes) },
        })
      }
      await expectNothingReachable(temp, hashOf(bytes))
      await expectNothingReachable(temp, nowhere)
      expect(await temp.store.putBlob(streamOf(bytes), { expected: hashOf(bytes) })).toBe(hashOf(bytes))
      expectSame(await temp.store.getBlob(hashOf(bytes)), bytes)
    }),
  )

  test.each(sizes)('%i bytes with another size: DIGEST_MISMATCH, and nothing is reachable', (size) =>
    withStore({}, async (temp) => {
      const bytes = seededBytes(size + 2, size)
      for (const content of [bytes, streamOf(bytes)]) {
        const failure = await temp.store.putBlob(content, { size: size + 1 }).catch((e: unknown) => e)
        // In one piece it is only hashed where that takes no time.
        const isKnown = content !== bytes || size <= mib
        const details = { expected: undefined, actual: isKnown ? hashOf(bytes) : undefined, size: size + 1 }
        expect(failure).toMatchObject({ code: 'DIGEST_MISMATCH', details })
      }
      await expectNothingReachable(temp, hashOf(bytes))
      const both = { size, expected: hashOf(bytes) }
      expect(await temp.store.putBlob(streamOf(bytes), both)).toBe(hashOf(bytes))
      expectSame(await temp.store.getBlob(hashOf(bytes)), bytes)
    }),
  )

  test('more than the size that was said is refused before the source has ended', () =>
    withStore({}, async (temp) => {
      const source = new PausedSource()
      const put = temp.store.putBlob(source, { size: wholeBytesMax })
      source.give(seededBytes(3, mib))
      await expectCode(put, 'DIGEST_MISMATCH')
    }))

  test('an expected hash that is none is refused', () =>
    withStore({}, async (temp) => {
      const odd = 'no hash' as Hash<'blob'>
      for (const content of ['text', streamOf(seededBytes(1, mib))]) {
        const failure = await temp.store.putBlob(content, { expected: odd }).catch((e: unknown) => e)
        expect(failure).toHaveProperty('code')
      }
      expect(temp.store.stats().objects.blob).toBe(0)
    }))
})

describe('equal content', () => {
  test.each(sizes)('%i bytes, whole and in pieces of any size, are one blob and one record', (size) =>
    withStore({}, async ({ store }) => {
      const bytes = seededBytes(size + 3, size)
      const hash = await store.putBlob(bytes)
      expect(hash).toBe(hashOf(bytes))
      await store.flush()
      const { objects } = store.stats()
      const before = bytesIn(store)
      const pieceSizes = [1 + Math.floor(size / 2_000), 4_096, 65_536, 300_000, size + 1]
      for (const pieceBytes of pieceSizes) {
        expect(await store.putBlob(streamOf(bytes, pieceBytes))).toBe(hash)
        expect(await store.putBlob([...piecesOf(bytes, pieceBytes)])).toBe(hash)
      }
      await store.flush()
      expect(store.stats().objects).toEqual(objects)
      // A hit is noted in the log, and no more than that.
      expect(bytesIn(store) - before).toBeLessThan(pieceSizes.length * 2 * 400)
    }),
  )

  test('streams come from iterables, generators, and web streams, and empty pieces are no content', () =>
    withStore({}, async ({ store }) => {
      const bytes = seededBytes(4, mib)
      const web = new ReadableStream<Uint8Array>({
        start(controller) {
          for (const piece of piecesOf(bytes, 100_000)) controller.enqueue(piece)
          controller.close()
        },
      })
      expect(await store.putBlob(web)).toBe(hashOf(bytes))
      const gaps = [...piecesOf(bytes, 100_000)].flatMap((piece) => [new Uint8Array(0), piece])
      expect(await store.putBlob(gaps)).toBe(hashOf(bytes))
    }))

  test('a source may fill the memory of a piece again when the next one is asked for', () =>
    withStore({}, async (temp) => {
      const bytes = seededBytes(5, 12 * mib)
      const memory = new Uint8Array(100_000)
      async function* again(): AsyncGenerator<Uint8Array> {
        for (const piece of piecesOf(bytes, memory.length)) {
          memory.set(piece)
          yield memory.subarray(0, piece.length)
        }
      }
      for (const open of [() => temp.store, () => temp.reopen()]) {
        const store = await open()
        const hash = await store.putBlob(again())
        expect(hash).toBe(hashOf(bytes))
        expectSame(await (await store.openBlob(hash))?.bytes(), bytes)
      }
    }))

  test('a text is its UTF-8, and reads as text', () =>
    withStore({}, async ({ store }) => {
      const text = 'Grüße, 世界 🌍\n'.repeat(40_000)
      const hash = await store.putBlob(text)
      expect(hash).toBe(hashOf(text))
      const blob = await store.openBlob(hash)
      expect(blob?.size).toBe(Buffer.byteLength(text))
      expect(await blob?.text()).toBe(text)
      expect(await store.putBlob('')).toBe(hashOf(''))
      expect(await (await store.openBlob(hashOf('')))?.text()).toBe('')
    }))

  test.each(sizes)('%i bytes read the same at once, awaited, and streamed, also after reopening', (size) =>
    withStore({}, async (temp) => {
      const bytes = seededBytes(size + 4, size)
      const hash = await temp.store.putBlob(streamOf(bytes))
      for (let opening = 0; opening < 2; opening++) {
        const { store } = temp
        expectSame(store.getBlobSync(hash), bytes)
        expectSame(await store.getBlob(hash), bytes)
        const blob = await store.openBlob(hash)
        expect(blob).toMatchObject({ hash, size })
        expectSame(await blob?.bytes(), bytes)
        const pieces: Uint8Array[] = []
        for await (const piece of blob?.stream() ?? []) pieces.push(piece)
        expect(Buffer.concat(pieces).equals(bytes)).toBe(true)
        expect(pieces.every((piece) => piece.length <= wholeBytesMax)).toBe(true)
        if (opening === 0) await temp.reopen()
      }
    }),
  )
})

describe('an edited large file shares what did not change', () => {
  const original = seededBytes(5, 8 * mib)
  const at = 3 * mib + 12_345
  const patch = seededBytes(6, 1_000)
  const edits: [string, Uint8Array][] = [
    ['an insertion in the middle', Buffer.concat([original.subarray(0, at), patch, original.subarray(at)])],
    ['an insertion at the start', Buffer.concat([patch, original])],
    ['an addition at the end', Buffer.concat([original, patch])],
    ['a deletion', Buffer.concat([original.subarray(0, at), original.subarray(at + 1_000)])],
    ['an overwriting', Buffer.concat([original.subarray(0, at), patch, original.subarray(at + 1_000)])],
  ]
  /** One edit may change the chunk in which it lies and, until the borders meet again, a few after it. */
  const newBytesMax = 4 * wholeBytesMax

  test.each(edits)('%s', (_, edited) =>
    withStore({}, async (temp) => {
      await temp.store.putBlob(streamOf(original))
      await temp.store.flush()
      const before = temp.store.stats()
      const bytesBefore = bytesIn(temp.store)
      expect(bytesBefore).toBeGreaterThan(original.length)
      const hash = await temp.store.putBlob(streamOf(edited, 50_000))
      await temp.store.flush()
      expect(hash).toBe(hashOf(edited))
      const added = bytesIn(temp.store) - bytesBefore
      expect(added).toBeGreaterThan(0)
      expect(added).toBeLessThan(newBytesMax)
      expect(temp.store.stats().objects.blob - before.objects.blob).toBeLessThanOrEqual(20)
      await temp.reopen()
      expectSame(await temp.store.getBlob(hash), edited)
      expectSame(await temp.store.getBlob(hashOf(original)), original)
    }),
  )
})

/** Sources that give one piece and no more; with each, whether it knows that nobody waits for it. */
function* silentSources(): Generator<[ContentStream, () => boolean]> {
  let isCancelled = false
  const stream = new ReadableStream<Uint8Array>({
    start: (controller) => controller.enqueue(Buffer.from('one')),
    cancel: () => {
      isCancelled = true
    },
  })
  yield [stream, () => isCancelled]
  const readable = new Readable({ read: () => undefined })
  readable.push('one')
  yield [readable, () => readable.destroyed]
  let isReturned = false
  const iterator = {
    next: () => new Promise<never>(() => undefined),
    return: () => {
      isReturned = true
      return Promise.resolve({ done: true as const, value: undefined })
    },
  }
  yield [{ [Symbol.asyncIterator]: () => iterator }, () => isReturned]
}

describe('a source that does not come to its end', () => {
  const content = seededBytes(7, 2 * mib)

  test('what it throws is what the caller gets', () =>
    withStore({}, async (temp) => {
      for (const given of [0, 1_000, content.length]) {
        const failure = new Error('the sender is gone')
        const source = new PausedSource()
        const put = temp.store.putBlob(source)
        source.give(content.subarray(0, given))
        source.fail(failure)
        await expect(put).rejects.toBe(failure)
      }
      await expectNothingReachable(temp, hashOf(content))
      expect(await temp.store.putBlob(content)).toBe(hashOf(content))
    }))

  test.each(['before', 'during', 'between'] as const)('a signal that aborts %s', (when) =>
    withStore({}, async (temp) => {
      const abort = new AbortController()
      const reason = new Error('enough')
      const source = new PausedSource()
      if (when === 'before') abort.abort(reason)
      const put = temp.store.putBlob(source, { signal: abort.signal })
      put.catch(() => undefined)
      source.give(content)
      if (when === 'between') await settled()
      abort.abort(reason)
      source.give(content)
      const failure = await put.catch((e: unknown) => e)
      expect(failure).toMatchObject({ code: 'ABORTED', name: 'AbortError', cause: reason })
      await expectNothingReachable(temp, hashOf(content))
    }),
  )

  test.each([0, 1_000, content.length])('closing the store after %i bytes: STORE_CLOSED', (given) =>
    withStore({}, async (temp) => {
      const { store } = temp
      const source = new PausedSource()
      const put = store.putBlob(source)
      put.catch(() => undefined)
      if (given > 0) source.give(content.subarray(0, given))
      await settled()
      await temp.close()
      source.give(content)
      source.end()
      await expectCode(put, 'STORE_CLOSED')
      await expectCode(store.putBlob(content), 'STORE_CLOSED')
      await temp.open()
      await expectNothingReachable(temp, hashOf(content))
      expect(await temp.store.putBlob(content)).toBe(hashOf(content))
    }),
  )

  test('a source that fails as it is left does not hide why; a stream is given back', () =>
    withStore({}, async ({ store }) => {
      const iterator = {
        next: () => ({ done: false, value: 7 as never }),
        return: () => {
          throw new Error('left')
        },
      }
      await expect(store.putBlob({ [Symbol.iterator]: () => iterator })).rejects.toThrow('Uint8Array')
      for (const piece of [content, 7 as never]) {
        const stream = new ReadableStream<Uint8Array>({
          start: (controller) => {
            controller.enqueue(piece)
            controller.close()
          },
        })
        await store.putBlob(stream).catch(() => undefined)
        expect(stream.locked).toBe(false)
      }
    }))

  test.each(['signal', 'close'] as const)('nobody waits for a silent source: %s', (how) =>
    withStore({}, async (temp) => {
      for (const [source, isLetGo] of silentSources()) {
        const { store } = temp
        const abort = new AbortController()
        const put = store.putBlob(source, { signal: abort.signal })
        put.catch(() => undefined)
        await settled()
        if (how === 'signal') abort.abort()
        else await temp.close()
        await expectCode(put, how === 'signal' ? 'ABORTED' : 'STORE_CLOSED')
        expect(isLetGo()).toBe(true)
        if (how === 'close') await temp.open()
      }
      expect(await temp.store.putBlob(content)).toBe(hashOf(content))
    }),
  )

  test('progress counts the bytes, and never goes back', () =>
    withStore({}, async ({ store }) => {
      const told: number[] = []
      const onProgress = (p: { bytesDone: number }): void => void told.push(p.bytesDone)
      await store.putBlob(streamOf(content), { onProgress })
      expect(told.length).toBeGreaterThan(1)
      expect(told).toEqual([...told].sort((a, b) => a - b))
      expect(told.at(-1)).toBe(content.length)
    }))
})
