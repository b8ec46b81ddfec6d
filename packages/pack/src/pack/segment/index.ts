/** The generation: segments, their maps, and how a collection writes new ones. */

export { MapFile } from './map-file.ts'
export {
  decodeMapHeader,
  encodeMapHeader,
  fencesSeed as mapFencesSeed,
  type MapHeader,
  pageBytes as mapPageBytes,
  type Run,
  runsPerPage,
} from './map-format.ts'
export { Segment, type SegmentInfo, type SegmentPlace } from './segment.ts'
export { SegmentWriter, type SegmentWriterOptions } from './segment-writer.ts'
