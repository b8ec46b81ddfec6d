/** Puts a blob for its own sake: nobody refers to it yet, so it is marked as young for collections. */
import { throwIfAborted, VarveError } from '@varve/pack/errors'
import { hexToRaw, indexKind, rawToHex, sha256 } from '@varve/pack/objects'
import { recordFlag } from '@varve/pack/pack'
import type { Content, ContentStream, Hash, PutOptions } from './api/index.ts'
import type { StoreRooms } from './assembly/index.ts'
import { type PutPlace, putBlobStream } from './writer/index.ts'

/** @throws DIGEST_MISMATCH, OPTION_MISMATCH (size), ABORTED, STORE_CLOSED, WRITER_FAILED */
export async function putBlob(
  rooms: StoreRooms,
  content: Content | ContentStream,
  o: PutOptions,
): Promise<Hash<'blob'>> {
  throwIfAborted(o.signal)
  const onPut = (place: PutPlace): void => {
    if (!place.isNew) rooms.writer.touch(indexKind.blob, place)
  }
  const isWhole = typeof content === 'string' || content instanceof Uint8Array
  if (isWhole) return putWhole(rooms, bytesOf(content), { o, onPut })
  const place = await putBlobStream(rooms, content, {
    ...{ flags: recordFlag.bare, size: o.size, signal: o.signal, onProgress: o.onProgress, onPut },
    expected: o.expected === undefined ? undefined : hexToRaw(o.expected),
  })
  return rawToHex(place.hash) as Hash<'blob'>
}

async function putWhole(
  rooms: StoreRooms,
  bytes: Buffer,
  { o, onPut }: { readonly o: PutOptions; readonly onPut: (place: PutPlace) => void },
): Promise<Hash<'blob'>> {
  if (o.size !== undefined && o.size !== bytes.length) {
    const message = `the content has ${bytes.length} bytes, not ${o.size}`
    throw new VarveError('OPTION_MISMATCH', { option: 'size' }, { message })
  }
  while (rooms.queue.isBlocked) await rooms.queue.unblocked()
  // Hashed in the section that appends: a caller who changes the bytes meanwhile cannot split hash and
  // content.
  const hash = sha256(bytes, 0, bytes.length)
  const hex = rawToHex(hash) as Hash<'blob'>
  if (o.expected !== undefined && o.expected !== hex) {
    throw new VarveError('DIGEST_MISMATCH', { expected: o.expected, actual: hex })
  }
  onPut(rooms.writer.putContent(hash, bytes, recordFlag.bare))
  return hex
}

function bytesOf(content: Content): Buffer {
  if (typeof content === 'string') return Buffer.from(content)
  return Buffer.from(content.buffer, content.byteOffset, content.byteLength)
}
