import { VarveError } from '@varve/pack/errors'
import { type FileHandle, type FileSystem, readFullySync } from '@varve/pack/fs'
import type { Patch } from './patch.ts'
import { PatchyHandle } from './patchy-handle.ts'

const pieceBytes = 1 << 20

/**
 * The bytes of a file, with patches in their places; the last one may lie behind its end. Where the disk does
 * not give the file's own there are zeros. One buffer for all of them: a piece is valid until the next is
 * asked for.
 * @throws CORRUPT when one of the files has become shorter, and what the file system throws
 */
export async function withPatchedPieces<T>(
  fs: FileSystem,
  path: string,
  patches: readonly Patch[],
  use: (pieces: Iterable<Buffer>) => Promise<T>,
): Promise<T> {
  const file = new PatchyHandle(await fs.open(path, 'read'))
  const sources = new Map<string, FileHandle>()
  try {
    for (const { source } of patches) {
      if (typeof source !== 'string' || sources.has(source)) continue
      sources.set(source, await fs.open(source, 'read'))
    }
    return await use(piecesOf(file, patches, sources))
  } finally {
    for (const handle of [file, ...sources.values()]) await handle.close()
  }
}

function* piecesOf(
  file: FileHandle,
  patches: readonly Patch[],
  sources: ReadonlyMap<string, FileHandle>,
): Generator<Buffer, void, undefined> {
  const piece = Buffer.allocUnsafeSlow(pieceBytes)
  let at = 0
  for (const { start, end, source } of patches) {
    yield* bytesOf(file, piece, at, start)
    if (typeof source !== 'string') yield source
    else yield* bytesOf(sources.get(source) as FileHandle, piece, start, end)
    at = end
  }
  yield* bytesOf(file, piece, at, file.sizeSync())
}

function* bytesOf(
  handle: FileHandle,
  piece: Buffer,
  from: number,
  to: number,
): Generator<Buffer, void, undefined> {
  for (let at = from; at < to; ) {
    const length = readFullySync(handle, piece, 0, Math.min(piece.length, to - at), at)
    if (length === 0) throw new VarveError('CORRUPT', { file: 'a chunk', offset: at })
    yield piece.subarray(0, length)
    at += length
  }
}
