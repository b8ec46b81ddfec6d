/**
 * A chunk file read from its start: its batches and records, proved one by one, and where its log ends after
 * a crash. Reading by offset, which programs do all day, is another room's.
 */
export { ChunkContents } from './chunk-contents.ts'
export { ChunkScanner, type ScanOptions, type ScanStep, scanChunk } from './chunk-scanner.ts'
export { canonicalHash, mendHash } from './mend-hash.ts'
export {
  type LogPosition,
  type ReadLogOptions,
  type RecoveredChunk,
  type RecoverOptions,
  readChunkLog,
  recoverChunk,
} from './recover-chunk.ts'
export { ScanMemory } from './scan-memory.ts'
export { type DamagedRange, RecordCursor, ScannedBatch } from './scanned-batch.ts'
