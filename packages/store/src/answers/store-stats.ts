import { fileName } from '@varve/pack/layout'
import { indexKind } from '@varve/pack/objects'
import type { StoreStats } from '../api/index.ts'
import type { ReaderRooms } from '../assembly/index.ts'

/** Sizes and counts of this moment: nothing but the sizes of control and checkpoint is asked of the disk. */
export function storeStats(rooms: ReaderRooms): StoreStats {
  const { files } = rooms
  return {
    // No bytes of a file are garbage before a collection has found them to be, and then they are gone.
    files: filesOf(rooms).map(({ name, bytes }) => ({ name, bytes, liveBytes: bytes })),
    objects: {
      blob: files.index.count(indexKind.blob),
      tree: files.index.count(indexKind.tree),
      commit: files.index.count(indexKind.commit),
    },
    openReaders: rooms.blobs.openCount,
    volumes: files.control.volumes.map(({ id, low, high, bytes }) => ({ id, low, high, bytes })),
  }
}

function filesOf({ files }: ReaderRooms): { readonly name: string; readonly bytes: number }[] {
  const segments = files.segments.flatMap(({ number, info, mapLength }) => [
    { name: fileName.segment(number), bytes: info.bytes },
    { name: fileName.segmentMap(number), bytes: mapLength },
  ])
  const chunks = files.space.chunks.map(({ number, length }) => ({
    name: fileName.chunk(number),
    bytes: length,
  }))
  const indexes = files.index.files().map(({ name, length }) => ({ name, bytes: length }))
  return [...files.controlFiles(), ...segments, ...chunks, ...indexes]
}
