import { assert, copyOfBytes, nextTurn } from '@varve/pack/base'
import { throwIfAborted, VarveError } from '@varve/pack/errors'
import { chunkBytesMax, type EntryTarget } from '@varve/pack/objects'
import type { Bytes, Content, Path } from '../../api/index.ts'
import { blobOf, isDirectory } from './stored-node.ts'
import type { TreeStorage } from './tree-storage.ts'

/** Values loaded between two turns of the event loop. */
const sliceLoads = 256

/**
 * The content's bytes as a copy of its own, so that nothing the caller does later can change what is stored.
 */
export function copyOfContent(content: Content): Buffer {
  if (typeof content === 'string') return Buffer.from(content, 'utf8')
  assert(content instanceof Uint8Array, 'content is text or a Uint8Array')
  return Buffer.from(content)
}

/** A plain `Uint8Array` for the caller to keep. */
export function bytesOf(buffer: Buffer): Bytes {
  return copyOfBytes(buffer, 0, buffer.length)
}

/**
 * The content of what was found at a path.
 * @throws IS_A_TREE, COLLECTED, CORRUPT
 */
export function readContent(
  storage: TreeStorage,
  target: EntryTarget | undefined,
  path: Path,
): Bytes | undefined {
  if (target === undefined) return undefined
  if (isDirectory(target)) throw new VarveError('IS_A_TREE', { path })
  const blob = blobOf(target)
  return blob.draft === undefined ? storage.readBlob(blob) : bytesOf(blob.draft.content)
}

/**
 * The same for an asynchronous call: waits only for blobs so large that they are stored in pieces.
 * @throws IS_A_TREE, COLLECTED, CORRUPT, ABORTED
 */
export function loadContent(
  storage: TreeStorage,
  target: EntryTarget | undefined,
  { path, signal }: { readonly path: Path; readonly signal?: AbortSignal | undefined },
): Bytes | undefined | Promise<Bytes> {
  throwIfAborted(signal)
  const isLarge = target !== undefined && target.size > chunkBytesMax && target.draft === undefined
  if (!isLarge || isDirectory(target)) return readContent(storage, target, path)
  return storage.readLargeBlob(blobOf(target), signal)
}

/** One answer per item, in order. */
export async function loadMany<T, R>(items: readonly T[], load: (item: T) => R | Promise<R>): Promise<R[]> {
  const answers: R[] = []
  for (const item of items) {
    const answer = load(item)
    answers.push(answer instanceof Promise ? await answer : answer)
    if (answers.length % sliceLoads === 0) await nextTurn()
  }
  return answers
}
