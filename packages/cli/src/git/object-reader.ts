import { GitFailed } from './git-failed.ts'
import type { IdSize } from './git-id.ts'
import { type GitOptions, GitProcess } from './git-process.ts'
import { type GitObject, ObjectStream } from './object-stream.ts'

/** How many objects are asked for before their answers are read. */
const ASKED_MAX = 1_000

/** Reads single objects by id, on one git that stays. One call at a time. */
export class ObjectReader {
  readonly #git: GitProcess
  readonly #stream: ObjectStream

  constructor(options: GitOptions, idSize: IdSize) {
    this.#git = new GitProcess(['cat-file', '--batch'], options)
    this.#stream = new ObjectStream(this.#git.stdout, idSize)
  }

  /**
   * Hands over each object, in the order of the ids. Its bytes hold until `visit` has returned; the content
   * of a large one must be read to its end there.
   * @throws GitFailed
   */
  async read(ids: readonly string[], visit: (object: GitObject) => void | Promise<void>): Promise<void> {
    for (let at = 0; at < ids.length; at += ASKED_MAX) {
      const asked = ids.slice(at, at + ASKED_MAX)
      // Not awaited: git answers while it is still being asked, and waits for its answers to be read.
      void this.#git.write(`${asked.join('\n')}\n`)
      let answered = 0
      while (answered < asked.length) {
        const batch = await this.#stream.next()
        if (batch === undefined) {
          await this.#git.done()
          throw new GitFailed('cat-file', 'ended before it had answered')
        }
        for (const object of batch) await visit(object)
        answered += batch.length
      }
    }
  }

  async close(): Promise<void> {
    this.#git.stop()
    await this.#git.done()
  }
}
