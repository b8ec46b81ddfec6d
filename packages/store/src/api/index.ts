export { type ErrorCode, type ErrorDetails, VarveError } from '@varve/pack/errors'
export { decodeName, encodeName } from '@varve/pack/objects'
export type { BlobWriter, PutOptions, StoredBlob } from './blob.ts'
export type { Abortable, Duration, Progress, WithProgress } from './call-options.ts'
export type { Branch, Commit, CommitInfo, CommitLike, CommitOutcome, Tag, TagAnnotation } from './commit.ts'
export type { Bytes, Content, ContentStream, ValueOf } from './content.ts'
export type { Cursor, Range } from './cursor.ts'
export type { BlobEntry, Change, Entry, Mode, TreeEntry } from './entry.ts'
export type { Gc, GcOptions, GcResult, GcStats, GcStatus } from './gc.ts'
export type { Hash, ObjectKind } from './hash.ts'
export { isHash, parseHash } from './hash.ts'
export type { Path } from './path.ts'
export type {
  LogOptions,
  OpenOptions,
  StoreEvent,
  StoreReader,
  StoreStats,
  WriterOptions,
} from './store.ts'
export type { DiffOptions, SetOptions, Tree, TreeEdit, TreeReader } from './tree.ts'
