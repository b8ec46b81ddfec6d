/** The generation: segments, their maps, and how a collection writes new ones. */

export { MapFile } from './map-file.ts'
export type { Run } from './map-format.ts'
export { Segment, type SegmentInfo, type SegmentPlace } from './segment.ts'
export { SegmentWriter, type SegmentWriterOptions } from './segment-writer.ts'
