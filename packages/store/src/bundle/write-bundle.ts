/** A bundle as a stream of bytes. */
import { nextTurn } from '@varve/pack/base'
import { throwIfAborted } from '@varve/pack/errors'
import { ContentHasher } from '@varve/pack/objects'
import { paceSteps, restartable } from '../directory/index.ts'
import type { FilesView } from '../file-set/index.ts'
import type { BlobReader, ObjectReader } from '../reader/index.ts'
import {
  type BundleTip,
  compareTips,
  encodeHeader,
  encodeObjectHeader,
  encodeTrailer,
  trailerKind,
} from './bundle-format.ts'
import { type CommitOrder, orderCommits } from './commit-order.ts'
import { ObjectWalk } from './object-walk.ts'

/** Objects between two turns of the event loop. */
const objectsPerTurn = 256

export interface BundleOrder {
  readonly tips: readonly BundleTip[]
  /** Raw hashes: what these reach is left out. */
  readonly not: readonly string[]
  readonly signal: AbortSignal | undefined
}

/** What it takes of a store. */
export interface BundledStore {
  readonly files: FilesView
  readonly objects: ObjectReader
  readonly blobs: BlobReader
  /** @throws STORE_CLOSED */
  readonly assertOpen: () => void
}

/** How far it has come; told after each object. */
export interface BundleCount {
  objects: number
  bytes: number
  commits: number
  prerequisites: number
}

/**
 * Gives the bytes of the bundle: the same ones for the same tips and commits, whatever store they are in. It
 * reads the files of one moment, so collections do not disturb it.
 * @throws CORRUPT, ABORTED, STORE_CLOSED
 */
export async function* bundleBytes(
  store: BundledStore,
  order: BundleOrder,
  count: BundleCount,
): AsyncGenerator<Buffer, void, undefined> {
  const { files, objects } = store
  const tips = [...order.tips].sort(compareTips)
  const start = (): ReturnType<typeof orderCommits> =>
    orderCommits(
      objects,
      tips.map(({ commit }) => commit),
      order.not,
    )
  const commits = await paceSteps(
    restartable(() => files.epoch, start),
    order.signal,
  )
  store.assertOpen()
  const captured = store.blobs.capture()
  try {
    const walk = new ObjectWalk(captured.objects, () => store.assertOpen())
    yield* new BundleStream(walk, order.signal, count).bytes(commits, tips)
  } finally {
    captured.release()
  }
}

class BundleStream {
  readonly #walk: ObjectWalk
  readonly #signal: AbortSignal | undefined
  readonly #hasher = new ContentHasher()
  readonly #count: BundleCount
  #steps = 0

  constructor(walk: ObjectWalk, signal: AbortSignal | undefined, count: BundleCount) {
    this.#walk = walk
    this.#signal = signal
    this.#count = count
  }

  async *bytes(
    { commits, prerequisites }: CommitOrder,
    tips: readonly BundleTip[],
  ): AsyncGenerator<Buffer, void, undefined> {
    for (const place of prerequisites) for (const _ of this.#walk.skip(place)) await this.#pace()
    this.#count.prerequisites = prerequisites.length
    yield this.#taken(encodeHeader({ prerequisites: prerequisites.map(({ hash }) => hash), tips }))
    for (const place of commits) {
      for (const { kind, hash, canonical } of this.#walk.commit(place)) {
        this.#count.objects++
        const frame = encodeObjectHeader(this.#count.objects, { kind, hash, canonical })
        yield this.#taken(Buffer.concat([frame, canonical]))
        await this.#pace()
      }
      this.#count.commits++
    }
    const { objects, bytes } = this.#count
    const trailer = encodeTrailer(objects, bytes)
    const hash = Buffer.from(this.#hasher.digest(), 'latin1')
    const frame = encodeObjectHeader(objects + 1, { kind: trailerKind, hash, canonical: trailer })
    this.#count.bytes += frame.length + trailer.length
    yield Buffer.concat([frame, trailer])
  }

  #taken(bytes: Buffer): Buffer {
    this.#hasher.update(bytes)
    this.#count.bytes += bytes.length
    return bytes
  }

  async #pace(): Promise<void> {
    if (++this.#steps % objectsPerTurn !== 0) return
    throwIfAborted(this.#signal)
    await nextTurn()
  }
}
