import { createHash } from 'node:crypto'
import type { Store, WithProgress } from '@varve/store'
import { type BundleOptions, bundleOf, type TakenBundle, takeBundleInto } from '@varve/store/internal'

/** A bundle of the store, whole, with what its making counted. */
export async function bundled(
  store: Store,
  o?: BundleOptions,
): Promise<{ bytes: Buffer; objects: number; commits: number; prerequisites: number }> {
  const { bytes, count } = await bundleOf(store, o)
  const parts: Buffer[] = []
  for await (const part of bytes) parts.push(part)
  return { ...count, bytes: Buffer.concat(parts) }
}

/** Takes the bytes in, in pieces of this size. */
export function taken(
  store: Store,
  bytes: Buffer,
  o: WithProgress & { readonly pieceBytes?: number } = {},
): Promise<TakenBundle> {
  const { pieceBytes = 10_000, ...rest } = o
  return takeBundleInto(store, pieces(bytes, pieceBytes), { name: 'the bundle', ...rest })
}

export async function* pieces(bytes: Buffer, pieceBytes: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += pieceBytes) yield bytes.subarray(at, at + pieceBytes)
}

export function sumOf(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex')
}
