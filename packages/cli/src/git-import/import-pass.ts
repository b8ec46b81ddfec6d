import { throwIfAborted } from '@varve/pack/errors'
import { type BlobRef, rawToHex } from '@varve/pack/objects'
import {
  type GitCommit,
  type GitObject,
  type GitObjectType,
  gitExtra,
  type ObjectFeed,
  type ObjectReader,
  parseCommit,
} from '../git/index.ts'
import { Boundary } from './conversion/boundary.ts'
import { type IdMap, idState } from './conversion/id-map.ts'
import { TreeConverter } from './conversion/tree-converter.ts'
import type { ImporterOptions } from './import-history.ts'
import type { ImportOutcome } from './import-outcome.ts'
import { knownCommit, proofOf } from './known-commits.ts'
import { findMissing } from './missing-object.ts'

export interface PassOptions extends ImporterOptions {
  readonly ids: IdMap
  readonly outcome: ImportOutcome
  /** Commits whose histories are wanted. */
  readonly tips: readonly string[]
  /** Objects that git ends over. */
  readonly excluded: ReadonlySet<string>
  /** Variables for git: at which commits it stops. */
  readonly variables: Readonly<Record<string, string>> | undefined
  /** Git ends over a tree: it is asked for commits only, and their objects are asked for one by one. */
  readonly isCommitsOnly: boolean
}

/**
 * One reading of the histories, from their beginning to their end. What an earlier pass did is not done
 * again.
 */
export class ImportPass {
  readonly #o: PassOptions
  readonly #ids: IdMap
  readonly #trees: TreeConverter
  readonly #learnt = new Set<string>()
  #feed: ObjectFeed | undefined
  #reader: ObjectReader | undefined
  /** The commit whose objects are coming. */
  #current: GitCommit | undefined

  constructor(options: PassOptions) {
    this.#o = options
    this.#ids = options.ids
    this.#trees = new TreeConverter(options.ids, options.sink, options.repository.idSize)
  }

  /** @throws GIT_OBJECT_MISSING, ABORTED, GitFailed, LargeObjectDamaged */
  async run(): Promise<void> {
    const { tips, excluded, isCommitsOnly, repository, sink, signal, variables } = this.#o
    const known = await this.#tipsInGit(this.#o.known.tips)
    this.#feed = repository.feed({ tips, excluded, isCommitsOnly, known }, variables)
    for (let batch = await this.#feed.next(); batch !== undefined; batch = await this.#feed.next()) {
      for (const object of batch) {
        // Only what must wait is awaited: a promise an object would cost more than the object.
        const step = this.#take(object)
        if (step !== undefined) await step
      }
      throwIfAborted(signal)
      this.#o.onProgress?.(this.#o.outcome.counts)
      await sink.ready()
    }
    await this.#finishCommit()
  }

  async close(): Promise<void> {
    this.#trees.drop()
    await this.#feed?.close()
    await this.#reader?.close()
  }

  #take(object: GitObject): Promise<void> | undefined {
    switch (object.kind) {
      case 'missing':
        if (this.#ids.findHex(object.id) < 0) this.#ids.addHex(object.id, idState.absent)
        return undefined
      case 'large':
        return this.#takeLarge(object.id, object.size, object.content)
      case 'object':
        return this.#takeWhole(object.id, object.type, object.content)
    }
  }

  #takeWhole(id: string, type: GitObjectType, content: Buffer): Promise<void> | undefined {
    if (type === 'commit') {
      const done = this.#finishCommit()
      const commit = parseCommit(id, content)
      if (done === undefined) this.#current = commit
      return done?.then(() => {
        this.#current = commit
      })
    }
    const idBytes = Buffer.from(id, 'hex')
    if (this.#ids.find(idBytes, 0) >= 0) return undefined
    if (type === 'tree') {
      this.#o.outcome.counts.trees++
      this.#trees.add(idBytes, content)
    } else if (type === 'blob') this.#keepBlob(idBytes, this.#o.sink.putBlob(content))
    return undefined
  }

  async #takeLarge(id: string, size: number, content: AsyncIterable<Buffer>): Promise<void> {
    const idBytes = Buffer.from(id, 'hex')
    if (this.#ids.find(idBytes, 0) < 0)
      this.#keepBlob(idBytes, await this.#o.sink.putBlobStream(content, size))
    else for await (const _ of content);
  }

  #keepBlob(id: Buffer, ref: BlobRef): void {
    const { counts } = this.#o.outcome
    counts.blobs++
    counts.bytes += ref.size
    this.#ids.setBlob(this.#ids.add(id, 0, idState.blob), ref)
  }

  /** Puts the commit whose objects have all come; a promise only when Git has to be asked for more. */
  #finishCommit(): Promise<void> | undefined {
    const commit = this.#current
    this.#current = undefined
    if (commit === undefined || this.#ids.findHex(commit.id) >= 0) return undefined
    const unknown = this.#unknownOf(commit)
    if (unknown.length > 0) return this.#finishWith(commit)
    return this.#putCommit(commit)
  }

  #unknownOf(commit: GitCommit): readonly string[] {
    const unknown = this.#trees.convert()
    if (unknown.length > 0) return unknown
    return this.#ids.findHex(commit.tree) < 0 ? [commit.tree] : []
  }

  async #finishWith(commit: GitCommit): Promise<void> {
    const { known, repository, sink } = this.#o
    const reader = this.#readerOf()
    const boundary = new Boundary({ ids: this.#ids, sink, reader, idSize: repository.idSize })
    for (const id of commit.parents) {
      const parent = knownCommit(known, id)
      if (parent === undefined || this.#learnt.has(id)) continue
      this.#learnt.add(id)
      await boundary.learn(parent)
    }
    for (let ids = this.#unknownOf(commit); ids.length > 0; ids = this.#unknownOf(commit)) {
      await reader.read(ids, (object) => this.#take(object))
      await sink.ready()
    }
    await this.#putCommit(commit)
  }

  #putCommit(commit: GitCommit): Promise<void> | undefined {
    const tree = this.#ids.findHex(commit.tree)
    if (this.#ids.state(tree) !== idState.tree) return this.#leaveOut(commit)
    const parents = commit.parents.flatMap((id) => this.#o.outcome.commitHash(id) ?? [])
    const isOdd = this.#ids.isOdd(tree)
    const ref = { hash: this.#ids.hash(tree), offset: this.#ids.offset(tree) }
    const { author, dateMs, message, extra } = commit.fields
    const { hash } = this.#o.sink.putCommit({
      tree: ref,
      parents,
      author,
      date: dateMs,
      message,
      extra: {
        ...extra,
        [gitExtra.proof]: proofOf(commit.id, rawToHex(ref.hash)),
        ...(isOdd && { [gitExtra.tree]: commit.tree }),
      },
    })
    this.#o.outcome.putCommit(commit, hash, { isOdd, isCut: parents.length < commit.parents.length })
    return undefined
  }

  async #leaveOut(commit: GitCommit): Promise<void> {
    const { idSize } = this.#o.repository
    const missing = await findMissing(commit, { ids: this.#ids, reader: this.#readerOf(), idSize })
    this.#ids.addHex(commit.id, idState.broken)
    this.#o.outcome.leaveOut(missing, commit.parents[0])
  }

  /** Of these commits those that the repository has: it may be another one than the last time. */
  async #tipsInGit(ids: readonly string[]): Promise<string[]> {
    const found: string[] = []
    if (ids.length === 0) return found
    await this.#readerOf().read(ids, (object) => {
      if (object.kind === 'object') found.push(object.id)
    })
    return found
  }

  #readerOf(): ObjectReader {
    this.#reader ??= this.#o.repository.reader()
    return this.#reader
  }
}
