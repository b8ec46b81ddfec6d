/** What commit number n of a line holds: whoever knows n knows its whole tree. */
import { SeededRandom } from '@varve/pack/testing'

const KEYS = 12
/** Of several chunks. */
const BIG_SIZE = 300_000

export function keyOf(n: number): string {
  return n % 3 === 0 ? `k${n % KEYS}` : `folder${n % 2}/k${n % KEYS}`
}

/** What commit n puts at its key. */
export function contentAt(n: number): Buffer {
  const random = new SeededRandom(n)
  const size = n % 67 === 0 ? BIG_SIZE : random.below(4_000)
  const bytes = Buffer.alloc(size, `${n} `)
  // So that the pieces of large ones are not all the same.
  for (let at = 0; at + 8 < size; at += 512) bytes.writeUInt32LE(random.uint32(), at)
  return bytes
}

/** The tree of commit n: path → the number of the commit that put it there. */
export function treeOf(n: number): Map<string, number> {
  const tree = new Map<string, number>()
  for (let m = Math.max(0, n - KEYS * 2 + 1); m <= n; m++) tree.set(keyOf(m), m)
  return tree
}
