import type { Commit, Store } from '@varve/store'
import { SplitMix64 } from '../workloads/split-mix64.ts'

const valueBytes = 16 * 1024
const valuesInCommit = 256
/** Later values take the place of earlier ones: what is live stays small. */
const keyCount = 2048

/** Commits so much new content, and gives the last commit. */
export async function writeContent(store: Store, mebibytes: number): Promise<Commit> {
  const random = new SplitMix64(7)
  const count = (mebibytes * 2 ** 20) / valueBytes
  let last: Commit | undefined
  for (let at = 0; at < count; at += valuesInCommit) {
    last = await store.branch('main').commit((edit) => {
      for (let i = at; i < Math.min(at + valuesInCommit, count); i++) {
        edit.set(`k/${i % keyCount}`, random.bytes(valueBytes))
      }
    })
  }
  if (last === undefined) throw new Error('there is nothing to write')
  await store.flush()
  return last
}
