/**
 * Puts a large stream into a new store and reads it back, and prints how much memory that took. Needs
 * `--expose-gc`. Arguments: the store's folder, and the number of MiB.
 *
 * Some 40 MiB of it are not the store's: V8 lets buffers of that size together become garbage before it looks
 * for any, here the pieces that the source makes, and those that the reader is given.
 */
import { type Cipher, createCipheriv, createHash, randomFillSync } from 'node:crypto'
import { readdir } from 'node:fs/promises'
import { Store } from '@varve/store'

const pieceBytes = 64 * 1024
const mib = 1024 * 1024
/** A little more than a chunk file. */
const chunkFileBytes = 66 * mib

/** What the program prints, as JSON. Sizes are bytes. */
export interface StreamingReport {
  readonly expected: string
  readonly put: string
  readonly read: string
  readonly bytesRead: number
  /** Resident while the store is open and idle: its threads are running, its caches all but empty. */
  readonly baseline: number
  /** The most that was resident at any piece of the stream. */
  readonly peakIn: number
  readonly peakOut: number
  readonly sampleCount: number
}

/** Resident size, looked at often. */
class Sampler {
  peak = 0
  count = 0

  sample(): void {
    this.peak = Math.max(this.peak, process.memoryUsage.rss())
    this.count++
  }
}

/** The key stream of a cipher, which repeats nowhere. Each piece is a new buffer. */
async function* noise(length: number, each: (piece: Buffer) => void): AsyncGenerator<Buffer> {
  const cipher: Cipher = createCipheriv('aes-128-ctr', Buffer.alloc(16, 1), Buffer.alloc(16))
  const zeros = Buffer.alloc(pieceBytes)
  for (let left = length; left > 0; left -= pieceBytes) {
    const piece = cipher.update(left < pieceBytes ? zeros.subarray(0, left) : zeros)
    each(piece)
    yield piece
  }
}

async function put(store: Store, length: number, sampler: Sampler): Promise<[string, string]> {
  const hash = createHash('sha256')
  const source = noise(length, (piece) => {
    hash.update(piece)
    sampler.sample()
  })
  const name = await store.putBlob(source, { size: length })
  return [name, hash.digest('hex')]
}

async function read(store: Store, name: string, sampler: Sampler): Promise<{ hash: string; bytes: number }> {
  const blob = await store.openBlob(name as Parameters<Store['openBlob']>[0])
  if (blob === undefined) throw new Error('the blob that was put is not there')
  const hash = createHash('sha256')
  let bytes = 0
  for await (const piece of blob.stream()) {
    hash.update(piece)
    bytes += piece.length
    sampler.sample()
  }
  return { hash: hash.digest('hex'), bytes }
}

/**
 * Has one chunk file filled and indexed, so that the thread that makes indexes is there. The pieces are one
 * piece of memory, and nothing is read: no cache is filled, and hardly any garbage made.
 */
async function startThreads(store: Store, folder: string): Promise<void> {
  const piece = Buffer.alloc(pieceBytes)
  await store.putBlob(
    (async function* () {
      for (let left = chunkFileBytes; left > 0; left -= pieceBytes) yield randomFillSync(piece)
    })(),
  )
  while (!(await readdir(folder)).some((name) => name.endsWith('.idx')));
}

async function main(folder: string, length: number): Promise<StreamingReport> {
  const store = await Store.open(folder)
  await startThreads(store, folder)
  globalThis.gc?.()
  const baseline = process.memoryUsage.rss()
  const into = new Sampler()
  const [name, expected] = await put(store, length, into)
  const out = new Sampler()
  const found = await read(store, name, out)
  await store.close()
  return {
    ...{ expected, put: name, read: found.hash, bytesRead: found.bytes, baseline },
    ...{ peakIn: into.peak, peakOut: out.peak, sampleCount: into.count + out.count },
  }
}

const [folder = '', mibs = ''] = process.argv.slice(2)
process.stdout.write(`${JSON.stringify(await main(folder, Number(mibs) * mib))}\n`)
