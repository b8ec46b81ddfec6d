/**
 * Commits on several branches at once until it is killed, and says every commit once it is told that it is
 * durable. Arguments: the store's folder, a seed, the size of a chunk.
 */
import { SeededRandom } from '@varve/pack/testing'
import { openStore } from '@varve/store/internal'
import { contentOf, sayCommit } from './spoken-commits.ts'

const [folder = '', seed = '', chunkBytes = ''] = process.argv.slice(2)
const seeded = new SeededRandom(Number(seed))
/** The first branch has two callers, which queue. */
const callers = ['b0', 'b0', 'b1', 'b2', 'b3', 'b4']
const sizes = [0, 3, 40, 40, 700, 700, 5_000, 30_000]
/** A blob of several chunks, now and then. */
const bigSize = 300_000

process.stdout.write('opening\n')
const store = await openStore(folder, {}, { chunkBytes: Number(chunkBytes) })
process.stdout.write('open\n')
await Promise.all(callers.map((branch) => commitForEver(branch, seeded.fork())))

async function commitForEver(branch: string, random: SeededRandom): Promise<never> {
  for (;;) {
    const key = random.chance(0.3) ? `folder${random.below(3)}/k${random.below(4)}` : `k${random.below(12)}`
    const size = random.chance(0.02) ? bigSize : random.pick(sizes)
    const value = `${random.uint32().toString(36)}:${size}`
    const commit = await store.branch(branch).commit((edit) => void edit.set(key, contentOf(value)), {
      message: `${key}=${value}`,
      allowEmpty: true,
    })
    process.stdout.write(sayCommit({ branch, hash: commit.hash, treeHash: commit.treeHash, key, value }))
  }
}
