import { type FileHandle, readFully, readFullySync } from '@varve/pack/fs'
import {
  type BodyView,
  type IndexKind,
  type RawHash,
  type RecordKind,
  referenceCountOf,
} from '@varve/pack/objects'
import { objectHeaderBytes } from './bundle-format.ts'
import type { BundleSink, ProvedObject } from './bundle-sink.ts'

/** Read at once. */
const pieceBytes = 1 << 20

/** Leaves the objects of a bundle where they are, in its file: for those who only want it proved. */
export class FileSink implements BundleSink {
  readonly #handle: FileHandle
  readonly #frame = Buffer.alloc(objectHeaderBytes)

  constructor(handle: FileHandle) {
    this.#handle = handle
  }

  async begin(): Promise<void> {}

  async ready(): Promise<void> {}

  put({ position }: ProvedObject): number {
    return position
  }

  /** Nobody has the prerequisites here. */
  find(): 'unknown' {
    return 'unknown'
  }

  /** Without the places of references, which nobody asks for. */
  read(_kind: IndexKind, _hash: RawHash, place: number): BodyView {
    const frame = this.#frame
    readFullySync(this.#handle, frame, 0, objectHeaderBytes, place - objectHeaderBytes)
    const canonical = Buffer.alloc(frame.readUInt32LE(12))
    readFullySync(this.#handle, canonical, 0, canonical.length, place)
    const n = referenceCountOf(frame[8] as RecordKind, canonical, 0, canonical.length)
    const body = Buffer.alloc(canonical.length + 8 * n)
    canonical.copy(body)
    return { buf: body, start: 0, end: body.length, referenceCount: n }
  }
}

/** The bytes of a file, piece by piece. */
export async function* piecesOf(handle: FileHandle): AsyncGenerator<Buffer, void, undefined> {
  for (let at = 0; ; ) {
    const piece = Buffer.allocUnsafe(pieceBytes)
    const read = await readFully(handle, piece, 0, pieceBytes, at)
    if (read === 0) return
    yield piece.subarray(0, read)
    at += read
  }
}
