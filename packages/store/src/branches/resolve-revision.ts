/**
 * Finds the commit that a text means: a branch, a tag, the start of a hash, `git:<id>`, and steps from there.
 */
import { nextTurn } from '@varve/pack/base'
import { VarveError } from '@varve/pack/errors'
import { hexToRaw, indexKind, rawToHex } from '@varve/pack/objects'
import { paceSteps } from '../directory/index.ts'
import type { HashIndex } from '../hash-index/index.ts'
import { isHashPrefix, parseRevision, type RevisionStep } from '../history/index.ts'
import type { StoredCommit } from '../reader/index.ts'
import type { RefRooms } from './branch-rooms.ts'

/** Candidates that an AMBIGUOUS error lists. */
const CANDIDATES_MAX = 20
/** Commits between two turns of the event loop. */
const STEPS_PER_SLICE = 512
const GIT_PREFIX = 'git:'
/** Objects of other kinds may share the prefix. */
const HITS_MAX = 256

/**
 * The commit, or `undefined` when there is none. @throws AMBIGUOUS with the candidates, CORRUPT;
 * UNKNOWN_COMMIT for what is no text
 */
export async function resolveRevision(
  rooms: RefRooms,
  index: HashIndex,
  text: string,
): Promise<StoredCommit | undefined> {
  if (typeof text !== 'string') {
    const message = `a revision is text, not ${text === null ? 'null' : typeof text}`
    throw new VarveError('UNKNOWN_COMMIT', { text: String(text) }, { message })
  }
  const revision = parseRevision(text)
  if (revision === undefined) return undefined
  let commit = await named(rooms, index, revision.name)
  for (const step of revision.steps) {
    if (commit === undefined) return undefined
    commit = await walk(rooms, commit, step)
  }
  return commit
}

async function named(rooms: RefRooms, index: HashIndex, name: string): Promise<StoredCommit | undefined> {
  if (name.startsWith(GIT_PREFIX)) return fromGit(rooms, name.slice(GIT_PREFIX.length))
  let doubt: VarveError | undefined
  for (const key of [`heads/${name}`, `tags/${name}`]) {
    try {
      const target = rooms.refs.acknowledged(key)
      if (target !== undefined) return rooms.objects.commitAt(target)
    } catch (error) {
      if (!VarveError.is(error, 'CORRUPT')) throw error
      doubt = error
    }
  }
  const found = isHashPrefix(name) ? await fromPrefix(rooms, index, name) : undefined
  // There may be a ref of this name that a damaged record hides.
  if (found === undefined && doubt !== undefined) throw doubt
  return found
}

async function fromPrefix(
  rooms: RefRooms,
  index: HashIndex,
  prefix: string,
): Promise<StoredCommit | undefined> {
  const hits = await paceSteps(index.withPrefix(prefix, HITS_MAX))
  const commits = hits.filter((hit) => hit.kind === indexKind.commit)
  return only(
    commits.map((hit) => rawToHex(hit.hash)),
    rooms,
  )
}

async function fromGit(rooms: RefRooms, id: string): Promise<StoredCommit | undefined> {
  if (!/^[0-9a-f]{7,64}$/.test(id)) return undefined
  return only(await rooms.projections.gitCommits(id, CANDIDATES_MAX), rooms)
}

function only(hashes: readonly string[], rooms: RefRooms): StoredCommit | undefined {
  const [first] = hashes
  if (first === undefined) return undefined
  if (hashes.length > 1) throw new VarveError('AMBIGUOUS', { candidates: hashes.slice(0, CANDIDATES_MAX) })
  return rooms.objects.commit(hexToRaw(first))
}

async function walk(
  rooms: RefRooms,
  from: StoredCommit,
  step: RevisionStep,
): Promise<StoredCommit | undefined> {
  if (step.kind === 'parent') {
    if (step.count === 0) return from
    const hash = from.parents[step.count - 1]
    return hash === undefined ? undefined : rooms.objects.commit(hash)
  }
  let commit: StoredCommit | undefined = from
  for (let left = step.count; left > 0 && commit !== undefined; left--) {
    const hash: string | undefined = commit.parents[0]
    commit = hash === undefined ? undefined : rooms.objects.commit(hash)
    if (left % STEPS_PER_SLICE === 0) await nextTurn()
  }
  return commit
}
