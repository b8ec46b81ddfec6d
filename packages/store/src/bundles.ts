/** Bundles of a store: made of its commits, and taken in. */
import { checkOptions, listenerOf, optionRule, type RulesFor, VarveError } from '@varve/pack/errors'
import { type BodyView, decodeCommit, type RecordKind, rawToHex, recordKind } from '@varve/pack/objects'
import { type Hash, progressRules, type WithProgress } from './api/index.ts'
import type { ReaderRooms } from './assembly/index.ts'
import { resolveRevision } from './branches/index.ts'
import type { Bulk, BulkRef } from './bulk.ts'
import {
  type BundleContents,
  type BundleCount,
  type BundleHeader,
  type BundleSink,
  type BundleTip,
  bundleBytes,
  factsOf,
  type ObjectFacts,
  type ProvedObject,
  readBundle,
} from './bundle/index.ts'
import type { Store } from './store.ts'

export interface BundleOptions extends WithProgress {
  /** Branches, tags, and what else names a commit. Default: all branches and tags. */
  readonly revisions?: readonly string[] | undefined
  /** What these reach is left out: whoever takes the bundle in has it. */
  readonly not?: readonly string[] | undefined
}

const bundleRules: RulesFor<BundleOptions> = {
  ...progressRules,
  revisions: optionRule.list,
  not: optionRule.list,
}

/** A bundle on its way. */
export interface MadeBundle {
  readonly tips: readonly BundleTip[]
  /** Grows while the bytes are taken. */
  readonly count: BundleCount
  readonly bytes: AsyncIterable<Buffer>
}

type RefState = 'created' | 'moved' | 'unchanged'

/** What a bundle has brought. */
export interface TakenBundle {
  readonly contents: BundleContents
  /** `commit` in hex. */
  readonly refs: readonly { readonly ref: string; readonly commit: string; readonly state: RefState }[]
}

/**
 * @throws UNKNOWN_COMMIT, AMBIGUOUS, OPTION_MISMATCH when there is nothing to put into it; CORRUPT when it is
 * not known which branches and tags there are
 */
export async function makeBundle(rooms: ReaderRooms, o: BundleOptions = {}): Promise<MadeBundle> {
  checkOptions(o, bundleRules)
  rooms.assertOpen()
  const revisions = o.revisions ?? []
  if (revisions.length === 0) rooms.refs.assertAllKnown()
  const tips =
    revisions.length === 0
      ? [...rooms.refs.listed()].map(({ key }) => tipOf(rooms, key) as BundleTip)
      : await Promise.all(revisions.map((revision) => namedTip(rooms, revision)))
  if (tips.length === 0) {
    const message = 'there is no branch and no tag to make a bundle of'
    throw new VarveError('OPTION_MISMATCH', { option: 'revisions' }, { message })
  }
  const not: string[] = []
  for (const revision of o.not ?? []) not.push(await commitOf(rooms, revision))
  const count = { objects: 0, bytes: 0, commits: 0, prerequisites: 0 }
  // A branch that moved while they were looked up is named once.
  const unique = new Map(tips.map((tip) => [tip.ref === '' ? tip.commit : tip.ref, tip]))
  const order = { tips: [...unique.values()], not, signal: o.signal }
  return { tips: order.tips, count, bytes: bundleBytes(rooms, order, count) }
}

/**
 * Takes a bundle in: everything or, as far as refs go, nothing. A branch is made, or moved on where it points
 * to an ancestor; a tag is made. Commits without a name are kept for the grace of collections.
 * @throws CORRUPT naming the place in the bundle, NEWER_FORMAT, UNKNOWN_COMMIT when a prerequisite is
 * missing, CONFLICT when a ref points elsewhere, ABORTED, WRITER_FAILED
 */
export async function takeBundle(
  store: Store,
  bulk: Bulk,
  pieces: AsyncIterable<Uint8Array>,
  o: WithProgress & { readonly name: string },
): Promise<TakenBundle> {
  const onProgress = listenerOf(o.onProgress)
  try {
    const contents = await readBundle(pieces, new BulkSink(bulk), {
      ...{ name: o.name, signal: o.signal },
      onProgress: (done, bytesDone) =>
        onProgress({ phase: 'objects', done, total: undefined, bytesDone, etaMs: undefined }),
    })
    await bulk.ready()
    const moves: (BulkRef & { readonly state: RefState })[] = []
    for (const tip of contents.tips) if (tip.ref !== '') moves.push(await moveOf(store, tip))
    const bare = contents.tips.filter(({ ref }) => ref === '').map(({ commit }) => rawToHex(commit))
    await bulk.finish(
      moves.filter(({ state }) => state !== 'unchanged'),
      bare,
    )
    return { contents, refs: moves.map(({ name, commit, state }) => ({ ref: name, commit, state })) }
  } catch (error) {
    await bulk.abort()
    throw error
  }
}

class BulkSink implements BundleSink {
  readonly #bulk: Bulk

  constructor(bulk: Bulk) {
    this.#bulk = bulk
  }

  /** What the prerequisites hold is kept until the end. */
  async begin({ prerequisites }: BundleHeader): Promise<void> {
    for (const hash of prerequisites) await this.#bulk.commitTree(rawToHex(hash))
  }

  ready(): Promise<void> {
    return this.#bulk.ready()
  }

  put({ kind, hash, body, referenceCount }: ProvedObject): number {
    if (kind !== recordKind.commit) return this.#bulk.putRecord(kind, { hash, body, referenceCount })
    const { parents, ...fields } = decodeCommit(body, 0, body.length)
    return this.#bulk.putCommit({ ...fields, parents: parents.map(rawToHex) }).offset
  }

  find(kind: Parameters<BundleSink['find']>[0], hash: string): ObjectFacts | undefined {
    const place = this.#bulk.find(kind, hash)
    if (place === 0) return undefined
    const record = this.#bulk.record(kind, hash, place)
    return { ...factsOf(record.kind as RecordKind, viewOf(record)), place }
  }

  read(kind: Parameters<BundleSink['find']>[0], hash: string, place: number): BodyView {
    return viewOf(this.#bulk.record(kind, hash, place))
  }
}

async function moveOf(store: Store, tip: BundleTip): Promise<BulkRef & { readonly state: RefState }> {
  const { ref: name, annotation: tag } = tip
  const commit = rawToHex(tip.commit)
  const short = name.slice(name.indexOf('/') + 1)
  const isBranch = name.startsWith('heads/')
  const now = await (isBranch ? store.branch(short).head() : store.tag(short).target())
  const from = now?.hash ?? null
  const move = { name, commit, from, tag }
  if (now === undefined) return { ...move, state: 'created' }
  if (now.hash === commit) return { ...move, state: 'unchanged' }
  if (isBranch && (await store.isAncestor(now, commit as Hash<'commit'>))) return { ...move, state: 'moved' }
  const message = `${name} points to another commit, which is no ancestor of the bundle's`
  throw new VarveError('CONFLICT', { ref: name }, { message })
}

/** A revision that is a branch or a tag goes along with its name. */
async function namedTip(rooms: ReaderRooms, revision: string): Promise<BundleTip> {
  const ref =
    typeof revision === 'string'
      ? (tipOf(rooms, `heads/${revision}`) ?? tipOf(rooms, `tags/${revision}`))
      : undefined
  return ref ?? { ref: '', commit: await commitOf(rooms, revision), annotation: undefined }
}

function tipOf(rooms: ReaderRooms, key: string): BundleTip | undefined {
  const target = rooms.refs.acknowledged(key)
  return target && { ref: key, commit: target.hash, annotation: target.annotation }
}

/** @returns the raw hash */
async function commitOf(rooms: ReaderRooms, revision: string): Promise<string> {
  const found = await resolveRevision(rooms, rooms.files.index, revision)
  if (found === undefined) throw new VarveError('UNKNOWN_COMMIT', { text: revision })
  return found.hash
}

function viewOf({ buf, bodyStart, bodyEnd, referenceCount }: ReturnType<Bulk['record']>): BodyView {
  return { buf, start: bodyStart, end: bodyEnd, referenceCount }
}
