export { ScannedIndex, scanForIndex } from './chunk-index.ts'
export {
  type LogVisitor,
  type LostRange,
  refuseLost,
  type ScanCounts,
  type ScannedRecord,
  scanLog,
} from './log-scan.ts'
export { RegionImage } from './region-image.ts'
export { type SegmentRecord, scanSegmentForIndex, walkSegment } from './segment-records.ts'
export { SourceIndexes } from './source-indexes.ts'
export { type SourceOptions, SourceSpace } from './source-space.ts'
