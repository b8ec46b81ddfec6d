/**
 * Commits and collects until it is killed. Says every commit once it is told that it is durable, every
 * collection as it begins and ends, and, while one runs, each step that this thread takes on the disk.
 * Arguments: the store's folder, a seed, the size of a chunk, and where to stop for ever: at the step with
 * this number (0: at none), or at the first one that begins like this.
 */
import { basename } from 'node:path'
import { type FileSystem, NodeFileSystem } from '@varve/pack/fs'
import { InterceptedFileSystem, type Operation, SeededRandom } from '@varve/pack/testing'
import type { Commit } from '@varve/store'
import { openStore } from '@varve/store/internal'
import { contentOf, sayCommit } from './spoken-commits.ts'

const [folder = '', seed = '', chunkBytes = '', stopAt = ''] = process.argv.slice(2)
const random = new SeededRandom(Number(seed))
const steps = new Set(['create', 'write', 'sync', 'datasync', 'syncFolder', 'rename', 'remove', 'truncate'])
const branches = ['main', 'side', 'third']
let isCollecting = false
let hasCollected = false
let stepCount = 0

// A step that stops for ever must not end the program.
process.stdin.resume()
const store = await openStore(
  folder,
  {},
  { fileSystem: announcing(new NodeFileSystem()), chunkBytes: Number(chunkBytes) },
)
const line: Commit[] = []
for (;;) {
  for (let i = 0; i < 3; i++) await commitOnAll()
  await collect(line.at(-1 - random.below(3)) as Commit)
}

async function collect(target: Commit): Promise<void> {
  process.stdout.write(`collect ${target.hash}\n`)
  isCollecting = true
  hasCollected = true
  let phase = ''
  await store.startGc(target.hash, {
    grace: 0,
    onProgress: (progress) => {
      if (progress.phase !== phase) process.stdout.write(`phase ${progress.phase}\n`)
      phase = progress.phase
    },
  })
  const finalised = store.finaliseGc({ wait: true }).finally(() => {
    isCollecting = false
  })
  while (isCollecting) await commitOnAll()
  await finalised
  process.stdout.write(`collected ${target.hash}\n`)
}

async function commitOnAll(): Promise<void> {
  const [first] = await Promise.all(branches.map(commitOn))
  line.push(first as Commit)
}

async function commitOn(branch: string): Promise<Commit> {
  const key = `folder${random.below(3)}/k${random.below(4)}`
  const value = `${random.uint32().toString(36)}:${random.below(8_000)}`
  const commit = await store.branch(branch).commit((edit) => void edit.set(key, contentOf(value)), {
    message: `${key}=${value}`,
    allowEmpty: true,
  })
  process.stdout.write(sayCommit({ branch, hash: commit.hash, treeHash: commit.treeHash, key, value }))
  return commit
}

/** The disk; the collector's thread builds one of its own, which says nothing. */
function announcing(disk: NodeFileSystem): FileSystem {
  const through = new InterceptedFileSystem(disk, { before: () => undefined, delay: announce })
  return Object.defineProperty(through, 'origin', { value: disk.origin })
}

async function announce({ kind, path, to }: Operation): Promise<void> {
  // Retired files may go when the collection has been said to be over.
  const isWanted = isCollecting || (hasCollected && kind === 'remove')
  if (!isWanted || !steps.has(kind)) return
  const step = `${kind} ${basename(to ?? path)}`
  process.stdout.write(`step ${step}\n`)
  if (++stepCount === Number(stopAt) || step.startsWith(stopAt)) await new Promise(() => undefined)
}
