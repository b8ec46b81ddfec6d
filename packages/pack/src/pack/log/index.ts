/**
 * The writer's end of the log: records appended into blocks of the cache, batches written and synced in
 * groups, one chunk file after another. It does not know what records say, nor which chunks make up a store:
 * control does.
 */
export { AppendLog } from './append-log.ts'
export type { AppendLogOptions, ChunkRoll } from './append-log-options.ts'
export { chunkBytesDefault, chunkBytesFor, chunkRecordsMax, indexBacklogMax } from './log-limits.ts'
export type { TailBlock, TailCache } from './log-tail.ts'
export type { GrowingFile } from './open-chunk.ts'
