/**
 * How records, batches, and pack files are framed: the codecs of docs/format.md, "Record", "Batch", and
 * "Header of a pack file". They prove where bytes belong and that nothing changed them; what the bodies say
 * is not known here.
 */
export { BatchFrame, type BatchHeader, type BatchPlace, nonceSize } from './batch-frame.ts'
export { batchBytesMax, batchHeaderSize, batchTrailerSize } from './batch-sizes.ts'
export {
  chunkBaseAlignment,
  createChunkFile,
  discardFile,
  type ExpectedChunk,
  type OpenedChunkFile,
  openChunkFile,
} from './chunk-file.ts'
export { type ChunkTail, emptyTail, nextBase } from './chunk-tail.ts'
export {
  decodePackHeader,
  type ExpectedPack,
  encodePackHeader,
  type PackHeader,
  packHeaderSize,
  storeIdSize,
} from './pack-header.ts'
export {
  bodyBytesMax,
  bodyLengthAt,
  isKnownKind,
  parseRecordHeader,
  type RecordHeader,
  recordAlignment,
  recordFlag,
  recordHashAt,
  recordHeaderSize,
  recordSize,
} from './record.ts'
export { encodeRecord, readRecordHash, recordSumMatches, verifyRecord } from './record-codec.ts'
