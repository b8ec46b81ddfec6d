import { systemClock } from '@varve/pack/base'
import { hashCanonical, type RawHash, readHash, recordKind, treeDomain } from '@varve/pack/objects'
import type { KnownRecord, SmallStore } from '../../collector/testing/small-store.ts'
import { storeId } from '../../collector/testing/small-store.ts'
import type { CheckFinding, CheckJob, CheckResult } from '../check-job.ts'
import { Checker } from '../checker.ts'

/** A whole check of a small store, all of whose batches are written, on this thread. */
export async function checked(store: SmallStore, o: Partial<CheckJob> = {}): Promise<CheckResult> {
  const { number } = store.openChunk
  const layer = {
    folder: store.dir,
    prefix: '',
    storeId: storeId.toString('hex'),
    chunks: [...store.chunks, store.openChunk],
    unindexed: [number],
    segments: store.segments,
    checkpoint: store.checkpoint,
  }
  const job = { layers: [layer], hashedPart: 1, ...o }
  return new Checker(store.fs, job, { clock: systemClock }).run()
}

/** The findings of a check, each in a line: what does not depend on texts for people. */
export async function findingsOf(store: SmallStore, o: Partial<CheckJob> = {}): Promise<string[]> {
  return (await checked(store, o)).findings.map(told)
}

export function told({ severity, file, offset, repairable }: CheckFinding): string {
  return `${severity} ${file} ${offset} ${repairable ? 'repairable' : 'not repairable'}`
}

/** A directory with one file of that name in it. */
export function leaf(store: SmallStore, name: string, blob: KnownRecord): KnownRecord {
  return leafOver(store, name, { hash: blob.hash, offset: blob.offset })
}

/** The same of a file that lies, or should lie, at that offset. */
export function leafOver(
  store: SmallStore,
  name: string,
  blob: { readonly hash: RawHash; readonly offset: number },
  o: { healed?: boolean } = {},
): KnownRecord {
  const text = Buffer.from(name)
  const head = Buffer.from([1, 1, text.length, 0, 1, 0])
  const body = Buffer.concat([head, Buffer.from(blob.hash, 'latin1'), text, Buffer.from([0])])
  return store.put(recordKind.node, hashCanonical(treeDomain, body), body, [blob], o)
}

/** A hash that nothing has. */
export const noHash: RawHash = readHash(Buffer.alloc(32, 0xee), 0)
