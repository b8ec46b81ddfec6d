import { nextTurn } from '@varve/pack/base'
import { throwIfAborted } from '@varve/pack/errors'
import {
  type BodyView,
  Chunker,
  ChunkListBuilder,
  ContentHasher,
  chunkBytesMax,
  chunksInRange,
  type IndexKind,
  indexKind,
  listContentLength,
  MalformedBody,
  type RawHash,
} from '@varve/pack/objects'
import type { Finder } from './prove-object.ts'

/** Content hashed between two turns of the event loop. */
const bytesPerTurn = 4 << 20

/**
 * Proves a large blob, whose hash is that of its content, by reading all of it: the chunks are those that the
 * content is cut into, and the lists those that are made of them. Where a part of it is elsewhere, nothing
 * can be proved, and nothing is refused.
 * @throws MalformedBody, ABORTED
 */
export async function proveContent(
  hash: RawHash,
  root: BodyView,
  finder: Finder,
  signal: AbortSignal | undefined,
): Promise<void> {
  try {
    await proveWhole(hash, root, finder, signal)
  } catch (error) {
    if (!(error instanceof Elsewhere)) throw error
  }
}

async function proveWhole(
  hash: RawHash,
  root: BodyView,
  finder: Finder,
  signal: AbortSignal | undefined,
): Promise<void> {
  const total = listContentLength(root)
  demand(total > chunkBytesMax, 'content of a large blob is longer than a chunk')
  const hasher = new ContentHasher()
  const cuts = new Cuts()
  const lists = new ChunkListBuilder({ putList: () => 8 })
  const readList = ({ hash: list }: { readonly hash: RawHash }): BodyView =>
    finder.read(indexKind.list, list, placeOf(indexKind.list, list))
  const placeOf = (kind: IndexKind, of: RawHash): number => {
    const found = finder.find(kind, of)
    if (found === undefined) throw new Elsewhere()
    return found.place
  }
  let sinceTurn = 0
  for (const chunk of chunksInRange(root, { from: 0, to: total }, readList)) {
    const { buf, start, end } = finder.read(indexKind.blob, chunk.hash, placeOf(indexKind.blob, chunk.hash))
    const content = Buffer.from(buf.subarray(start, end))
    hasher.update(content)
    lists.add(chunk)
    cuts.take(content)
    sinceTurn += content.length
    if (sinceTurn < bytesPerTurn) continue
    sinceTurn = 0
    throwIfAborted(signal)
    await nextTurn()
  }
  cuts.finish()
  demand(hasher.digest() === hash, 'a large blob has the hash of its content')
  const { body, referenceCount } = lists.finish()
  const canonical = body.subarray(0, body.length - 8 * referenceCount)
  const given = root.buf.subarray(root.start, root.end - 8 * root.referenceCount)
  demand(canonical.equals(given), 'the lists of a large blob are full')
}

/** A part of the content is not here. */
class Elsewhere extends Error {
  override readonly name = 'Elsewhere'
}

/** Cuts the content anew, and holds the cuts against the chunks that are given. */
class Cuts {
  readonly #chunker = new Chunker()
  readonly #given: number[] = []

  take(content: Buffer): void {
    this.#given.push(content.length)
    this.#chunker.push(content, this.#compare)
  }

  finish(): void {
    this.#chunker.finish(this.#compare)
    demand(this.#given.length === 0, 'chunks end where their content says')
  }

  readonly #compare = (chunk: Buffer): void => {
    demand(this.#given.shift() === chunk.length, 'chunks end where their content says')
  }
}

function demand(condition: boolean, rule: string): asserts condition {
  if (!condition) throw new MalformedBody(`broken rule: ${rule}`)
}
