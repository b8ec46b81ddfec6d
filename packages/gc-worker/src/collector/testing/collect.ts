import { randomBytes } from 'node:crypto'
import { systemClock } from '@varve/pack/base'
import type { FileSystem } from '@varve/pack/fs'
import {
  type CatchUpRound,
  type CollectJob,
  type CollectResult,
  type RoundSummary,
  removeJobFiles,
} from '../../job/index.ts'
import { Collector } from '../collector.ts'
import type { SmallStore } from './small-store.ts'

/** A collector over the store's file system, for the test to step through. */
export function newCollector(
  fs: FileSystem,
  job: CollectJob,
  onIndexed?: (chunk: number, isThere: boolean) => void,
): Collector {
  return new Collector(fs, job, { clock: systemClock, newNonce: () => randomBytes(16), onIndexed })
}

/** The round that brings a collection up to the end of the log. */
export function roundTo(store: SmallStore, from: number, o: Partial<CatchUpRound> = {}): CatchUpRound {
  const chunks = [...store.chunks, store.openChunk]
  return { from, to: store.end, chunks, pins: new Float64Array(), ...o }
}

/** A whole collection without rounds. */
export async function collect(store: SmallStore, job: CollectJob): Promise<CollectResult> {
  const collector = newCollector(store.fs, job)
  try {
    await collector.sweep()
    return await collector.finish()
  } finally {
    await collector.close()
    await removeJobFiles(store.fs, job, (kind) => kind === 'spill')
  }
}

export type { RoundSummary }
