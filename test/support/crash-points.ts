import { createHash } from 'node:crypto'
import type { FileSystem } from '@varve/pack/fs'
import {
  type CrashImageOptions,
  InterceptedFileSystem,
  type MemoryFileSystem,
  type Operation,
} from '@varve/pack/testing'

/** What a power cut before some operation may have left of the disk. */
export interface CrashPoint {
  readonly image: MemoryFileSystem
  /** What had happened by then: whatever `mark` gave. */
  readonly mark: number
  /** For people: where, and what of the pending changes is left. */
  readonly label: string
}

/** Operations that change nothing leave the disk as it was before them. */
const changing = new Set<Operation['kind']>([
  'create',
  'write',
  'truncate',
  'mkdir',
  'rename',
  'link',
  'remove',
  'removeFolder',
  'datasync',
  'sync',
  'syncFolder',
])

/**
 * Per operation: nothing unsynced, everything, and two of what lies in between, torn at bytes and at sectors.
 */
const fates = (seed: number): readonly CrashImageOptions[] => [
  { keep: 'none' },
  { keep: 'all' },
  { keep: 'prefix', seed, tear: 1 },
  { keep: 'random', seed, tear: 512 },
  { keep: 'random', seed: seed + 1_000_000, tear: 'none' },
]

/**
 * Takes pictures of a disk: before each operation that changes it, several of what a power cut there would
 * leave.
 */
export class CrashPoints {
  readonly #disk: MemoryFileSystem
  readonly #mark: () => number
  readonly #seed: number
  readonly #seen = new Set<string>()
  #points: CrashPoint[] = []
  #operationCount = 0
  isWatching = true

  constructor(disk: MemoryFileSystem, o: { readonly mark: () => number; readonly seed: number }) {
    this.#disk = disk
    this.#mark = o.mark
    this.#seed = o.seed
  }

  /** The disk as the store is to see it. */
  watched(): FileSystem {
    return new InterceptedFileSystem(this.#disk, {
      before: (operation) => {
        if (this.isWatching && changing.has(operation.kind)) this.take(`${operation.kind} ${operation.path}`)
        return undefined
      },
    })
  }

  get operationCount(): number {
    return this.#operationCount
  }

  /** The pictures since the last call, each state with its mark once. */
  drain(): CrashPoint[] {
    return this.#points.splice(0)
  }

  take(what: string): void {
    const mark = this.#mark()
    const count = ++this.#operationCount
    for (const fate of fates(this.#seed + count)) {
      const image = this.#disk.crashImage(fate)
      const key = `${mark} ${digestOf(image)}`
      if (this.#seen.has(key)) continue
      this.#seen.add(key)
      const label = `operation ${count} (${what}), ${fate.keep} kept, tear ${fate.tear}, seed ${fate.seed}`
      this.#points.push({ image, mark, label })
    }
  }
}

/** Two images with the same digest hold the same files. */
function digestOf(image: MemoryFileSystem): string {
  const hash = createHash('sha1')
  for (const [path, bytes] of image.files()) hash.update(`${path} ${bytes.length}\n`).update(bytes)
  return hash.update(image.folders().join('\n')).digest('hex')
}
