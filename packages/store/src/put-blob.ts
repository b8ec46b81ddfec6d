/** Puts a blob for its own sake: nobody refers to it yet, so it is marked as young for collections. */
import { checkOptions, throwIfAborted, VarveError } from '@varve/pack/errors'
import { hexToRaw, indexKind, rawToHex, sha256 } from '@varve/pack/objects'
import { recordFlag } from '@varve/pack/pack'
import { type Content, type ContentStream, type Hash, type PutOptions, putRules } from './api/index.ts'
import type { StoreRooms } from './assembly/index.ts'
import { type PutPlace, putBlobStream, sizeMismatch } from './writer/index.ts'

/**
 * Content up to this size is hashed and put at once; more goes in parts, with turns of the event loop
 * between.
 */
const WHOLE_BYTES_MAX = 1024 * 1024

/** @throws DIGEST_MISMATCH, ABORTED, STORE_CLOSED, WRITER_FAILED */
export async function putBlob(
  rooms: StoreRooms,
  content: Content | ContentStream,
  o: PutOptions,
): Promise<Hash<'blob'>> {
  checkOptions(o, putRules)
  throwIfAborted(o.signal)
  if (typeof content === 'string' || content instanceof Uint8Array) {
    const bytes = bytesOf(content)
    checkSize(bytes, o)
    return bytes.length > WHOLE_BYTES_MAX ? putStream(rooms, [bytes], o) : putWhole(rooms, bytes, o)
  }
  return putStream(rooms, content, o)
}

async function putStream(rooms: StoreRooms, content: ContentStream, o: PutOptions): Promise<Hash<'blob'>> {
  const place = await putBlobStream(rooms, content, {
    ...{ flags: recordFlag.bare, size: o.size, signal: o.signal, onProgress: o.onProgress },
    expected: o.expected === undefined ? undefined : hexToRaw(o.expected),
    onPut: (put) => touchIfThere(rooms, put),
  })
  return rawToHex(place.hash) as Hash<'blob'>
}

async function putWhole(rooms: StoreRooms, bytes: Buffer, o: PutOptions): Promise<Hash<'blob'>> {
  while (rooms.queue.isBlocked) await rooms.queue.unblocked()
  // Hashed in the section that appends: a caller who changes the bytes meanwhile cannot split hash and
  // content.
  const hash = sha256(bytes, 0, bytes.length)
  const hex = rawToHex(hash) as Hash<'blob'>
  if (o.expected !== undefined && hexToRaw(o.expected) !== hash) {
    throw new VarveError('DIGEST_MISMATCH', { expected: o.expected, actual: hex })
  }
  touchIfThere(rooms, rooms.writer.putContent(hash, bytes, recordFlag.bare))
  return hex
}

/** What was there already counts as put again. */
function touchIfThere(rooms: StoreRooms, place: PutPlace): void {
  if (!place.isNew) rooms.writer.touch(indexKind.blob, place)
}

/** What is too long to be hashed at once is told without its hash. */
function checkSize(bytes: Buffer, { size, expected }: PutOptions): void {
  if (size === undefined || size === bytes.length) return
  throw sizeMismatch({
    ...{ size, found: `${bytes.length}`, expected: expected && hexToRaw(expected) },
    actual: bytes.length > WHOLE_BYTES_MAX ? undefined : sha256(bytes, 0, bytes.length),
  })
}

function bytesOf(content: Content): Buffer {
  if (typeof content === 'string') return Buffer.from(content)
  return Buffer.from(content.buffer, content.byteOffset, content.byteLength)
}
