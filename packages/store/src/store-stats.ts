import { fileName } from '@varve/pack/layout'
import { indexKind } from '@varve/pack/objects'
import type { StoreStats } from './api/index.ts'
import type { StoreRooms } from './assembly/index.ts'

/** Sizes and counts of this moment, from memory: no file is read. */
export function storeStats(rooms: StoreRooms): StoreStats {
  const { files } = rooms
  const chunks = files.space.chunks.map(({ number, length }) => ({
    name: fileName.chunk(number),
    bytes: length,
    liveBytes: length,
  }))
  const segments = files.control.segments.map(({ number, bytes }) => ({
    name: fileName.segment(number),
    bytes,
    liveBytes: bytes,
  }))
  return {
    files: [...segments, ...chunks],
    objects: {
      blob: files.index.count(indexKind.blob),
      tree: files.index.count(indexKind.tree),
      commit: files.index.count(indexKind.commit),
    },
    openReaders: rooms.blobs.openCount,
  }
}
