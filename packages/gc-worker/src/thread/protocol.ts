import type { PlainError } from '@varve/pack/errors'
import type { FileSystemOrigin } from '@varve/pack/fs'
import type { CheckJob, CheckProgress } from '../checking/index.ts'
import type { IndexJob } from '../indexing/index.ts'
import type {
  CatchUpRound,
  CollectJob,
  CollectProgress,
  CollectResult,
  RoundSummary,
  SweepSummary,
} from '../job/index.ts'

/** What a failure looks like on its way between threads, where an error would lose all but its message. */
export type Outcome<T> = { readonly ok: true; readonly value: T } | ({ readonly ok: false } & PlainError)

/** What the caller asks of a running collection. Answers carry the same id. */
export type CollectRequest =
  | { readonly id: number; readonly method: 'sweep' }
  | { readonly id: number; readonly method: 'catchUp'; readonly round: CatchUpRound }
  | { readonly id: number; readonly method: 'finish' }

export type CollectAnswer = SweepSummary | RoundSummary | CollectResult

export type CollectReply =
  | { readonly kind: 'answer'; readonly id: number; readonly outcome: Outcome<CollectAnswer> }
  | { readonly kind: 'progress'; readonly progress: CollectProgress }
  | { readonly kind: 'indexed'; readonly chunk: number; readonly isThere: boolean }

/** The task that keeps one thread for one collection; `port` is transferred with it. */
export interface CollectTask<Port> {
  readonly job: CollectJob
  readonly origin: FileSystemOrigin
  readonly port: Port
}

/** The task that builds the index of a sealed chunk. */
export interface IndexTask {
  readonly job: IndexJob
  readonly origin: FileSystemOrigin
  /** Whether the thread takes a lower priority, for good. */
  readonly givesWay: boolean
}

/** The task of a check; `port` is transferred with it, and tells how far it is. */
export interface CheckTask<Port> {
  readonly job: CheckJob
  readonly origin: FileSystemOrigin
  readonly port: Port
}

export type CheckMessage =
  | { readonly kind: 'progress'; readonly progress: CheckProgress }
  | { readonly kind: 'opened' }
