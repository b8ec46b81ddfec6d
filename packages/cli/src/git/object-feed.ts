import type { IdSize } from './git-id.ts'
import { type GitOptions, GitProcess } from './git-process.ts'
import { type GitObject, ObjectStream } from './object-stream.ts'

export interface FeedOptions extends GitOptions {
  /** Commits whose history is wanted, hex. */
  readonly tips: readonly string[]
  /** Commits of which nothing is wanted, nor of their ancestors. */
  readonly known: readonly string[]
  /** Objects that must not be asked for: git would end over them. */
  readonly excluded: ReadonlySet<string>
  /** Only commits are listed: where Git ends over one of their trees. */
  readonly isCommitsOnly: boolean
}

/**
 * Commits after all of their parents. (`--topo-order`: with the default order a wrong clock would put a
 * commit before its parent.)
 */
const COMMITS: readonly string[] = ['--topo-order', '--reverse', '--stdin']
/** Each commit is followed by those of its objects that were not given before. */
const OBJECTS: readonly string[] = [
  '--objects',
  '--no-object-names',
  '--in-commit-order',
  '--missing=allow-any',
]

/**
 * A history as a stream of objects: one git lists them, another reads them, and this passes the ids between.
 */
export class ObjectFeed {
  readonly #list: GitProcess
  readonly #read: GitProcess
  readonly #stream: ObjectStream
  readonly #pumped: Promise<void>

  constructor(options: FeedOptions, idSize: IdSize) {
    const kinds = options.isCommitsOnly ? [] : OBJECTS
    this.#list = new GitProcess(['rev-list', ...kinds, ...COMMITS], options)
    this.#read = new GitProcess(['cat-file', '--batch', '--buffer'], options)
    this.#stream = new ObjectStream(this.#read.stdout, idSize)
    void this.#list.write([...options.tips, ...options.known.map((id) => `^${id}`), ''].join('\n'))
    this.#list.end()
    // Its outcome is asked for in next(), after all that could be read has been read.
    this.#pumped = this.#pump(options.excluded, idSize * 2)
    this.#pumped.catch(() => {})
  }

  /** The next objects; `undefined` at the end of the history. @throws GitFailed, LargeObjectDamaged */
  async next(): Promise<GitObject[] | undefined> {
    const batch = await this.#stream.next().catch(async (cause: unknown) => {
      // Why git ended in the middle of an object is best told by git.
      if (cause instanceof Error && cause.name === 'GitFailed') await this.#outcome()
      throw cause
    })
    if (batch === undefined) await this.#outcome()
    return batch
  }

  /** Ends both processes; idempotent. */
  async close(): Promise<void> {
    this.#list.stop()
    this.#read.stop()
    await this.#pumped.catch(() => {})
  }

  async #outcome(): Promise<void> {
    await this.#read.done()
    await this.#pumped
    await this.#list.done()
  }

  async #pump(excluded: ReadonlySet<string>, idChars: number): Promise<void> {
    let rest = ''
    try {
      for await (const chunk of this.#list.stdout as AsyncIterable<Buffer>) {
        if (excluded.size === 0) await this.#read.write(chunk)
        else {
          const lines = (rest + chunk.toString('latin1')).split('\n')
          rest = lines.pop() ?? ''
          const wanted = lines.filter((line) => !excluded.has(line.slice(0, idChars)))
          if (wanted.length > 0) await this.#read.write(`${wanted.join('\n')}\n`)
        }
      }
    } finally {
      this.#read.end()
    }
  }
}
