export { type ErrorCode, type ErrorDetails, VarveError } from '@varve/pack/errors'
export { decodeName, encodeName } from '@varve/pack/objects'
export {
  type BlobWriter,
  type PutOptions,
  putRules,
  type StoredBlob,
  type StreamOptions,
  streamRules,
} from './blob.ts'
export {
  type Abortable,
  abortableRules,
  type Duration,
  type Progress,
  progressRules,
  type WithProgress,
} from './call-options.ts'
export {
  type Branch,
  type BranchReader,
  type Commit,
  type CommitInfo,
  type CommitLike,
  type CommitOutcome,
  commitInfoRules,
  type Tag,
  type TagAnnotation,
  type TagInfo,
  type TagReader,
  tagInfoRules,
} from './commit.ts'
export type { Bytes, Content, ContentStream, ValueOf } from './content.ts'
export { type Cursor, type Range, rangeRules } from './cursor.ts'
export type { BlobEntry, Change, Entry, Mode, TreeEntry } from './entry.ts'
export {
  type Gc,
  type GcOptions,
  type GcReader,
  type GcResult,
  type GcStats,
  type GcStatus,
  gcRules,
} from './gc.ts'
export type { Hash, ObjectKind } from './hash.ts'
export { isHash, parseHash } from './hash.ts'
export type { Path } from './path.ts'
export {
  type CheckFinding,
  type CheckOptions,
  type CheckReport,
  checkRules,
} from './reports/check.ts'
export {
  type CopyOptions,
  type CopyReport,
  copyRules,
  type LogOptions,
  logRules,
  type ObjectPlace,
  type OpenOptions,
  type ReaderOptions,
  type ReadOnlyStore,
  type RefChange,
  readerRules,
  type StoreEvent,
  type StoreReader,
  type StoreStats,
  type VolumeStats,
  type WriterOptions,
  writerRules,
} from './store.ts'
export {
  type DiffOptions,
  diffRules,
  type SetOptions,
  setRules,
  type Tree,
  type TreeEdit,
  type TreeReader,
} from './tree.ts'
