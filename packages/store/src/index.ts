/** The public API of Varve. */
export type { ErrorCode, ErrorDetails } from '@varve/pack/errors'
export { VarveError } from '@varve/pack/errors'
export { decodeName, encodeName } from '@varve/pack/objects'
export type {
  Abortable, BlobEntry, BlobWriter, Branch, Bytes, Change, Commit, CommitInfo, CommitLike, CommitOutcome, Content, ContentStream,
  Cursor, DiffOptions, Duration, Entry, Gc, GcOptions, GcResult, GcStats, GcStatus, Hash, LogOptions, Mode, ObjectKind,
  OpenOptions, Path, Progress, PutOptions, Range, SetOptions, StoredBlob, StoreEvent, StoreReader, StoreStats, Tag, Tree,
  TreeEdit, TreeEntry, TreeReader, ValueOf, WithProgress, WriterOptions,
} from './api/index.ts'
export { isHash, parseHash } from './api/index.ts'
export { Store } from './store.ts'
