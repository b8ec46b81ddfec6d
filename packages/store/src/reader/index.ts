/**
 * An object, wherever it is: by offset or by kind and hash, verified, and replaced by a whole copy when
 * damaged.
 */
export { BlobReader } from './blob-reader.ts'
export { ObjectReader, type ObjectReaderParts } from './object-reader.ts'
export { bodyOf } from './record-body.ts'
export type { StoredCommit } from './stored-commit.ts'
