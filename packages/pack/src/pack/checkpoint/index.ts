/**
 * The metadata state at one place of the log: in memory, and as a sorted file that stands for the log before
 * it.
 */

export {
  blockBytesMax as checkpointBlockBytesMax,
  type CheckpointHeader,
  checkpointHeaderBytes,
  decodeCheckpointHeader,
  encodeCheckpointHeader,
} from './checkpoint-format.ts'
export { compareEntries, entryOf, type MetaEntry, referencesOf } from './meta-entry.ts'
export { type MetaRecord, MetaState } from './meta-state.ts'
export { mergeEntries, readCheckpoint } from './read-checkpoint.ts'
export { type CheckpointPlace, writeCheckpoint } from './write-checkpoint.ts'
