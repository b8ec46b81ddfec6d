/**
 * Objects and metadata on their way into the log: sections, dedupe, streams, and pins of work in progress.
 */
export { ArchivedReferences } from './archived-references.ts'
export { type BlobStreamOptions, type BlobStreamParts, putBlobStream } from './blob-stream.ts'
export { ObjectWriter, type PutPlace } from './object-writer.ts'
export { PinHolder, PinRegistry } from './pins.ts'
export { sizeMismatch } from './size-mismatch.ts'
export { WriteQueue, type WriteQueueParts } from './write-queue.ts'
