import { VarveError } from '@varve/pack/errors'
import type { Change, Commit, Cursor, RefChange } from '../../api/index.ts'
import { CommitHandle } from '../../branches/index.ts'
import { changesOf, emptyTree, LazyCursor } from '../../directory/index.ts'
import type { RefMove } from '../../following/index.ts'
import type { RefTarget } from '../../refs/index.ts'
import type { ReaderRooms } from '../reader-rooms.ts'

/** A commit, or what is thrown in its place. */
type Outcome = { readonly commit: Commit | undefined } | { readonly error: VarveError }

/** A move whose commit before has been read: a collection may have taken it after. */
export interface KnownMove {
  readonly move: RefMove
  readonly before: Outcome
}

/** To be asked while the files are still those of before. */
export function commitsBefore(rooms: ReaderRooms, moves: readonly RefMove[]): KnownMove[] {
  return moves.map((move) => ({ move, before: commitAt(rooms, move.before) }))
}

/** To be asked when the files are those of after. */
export function refChanges(rooms: ReaderRooms, moves: readonly KnownMove[]): RefChange[] {
  return moves.map(({ move, before }) => {
    const after = commitAt(rooms, move.after)
    return new MovedRef(rooms, move.key, { before, after })
  })
}

function commitAt({ objects, storage }: ReaderRooms, target: RefTarget | undefined): Outcome {
  if (target === undefined) return { commit: undefined }
  try {
    return { commit: new CommitHandle(objects.commitAt(target), storage) }
  } catch (error) {
    if (VarveError.is(error, 'CORRUPT') || VarveError.is(error, 'COLLECTED')) return { error }
    throw error
  }
}

class MovedRef implements RefChange {
  readonly ref: string
  readonly #rooms: ReaderRooms
  readonly #before: Outcome
  readonly #after: Outcome

  constructor(rooms: ReaderRooms, ref: string, o: { readonly before: Outcome; readonly after: Outcome }) {
    this.ref = ref
    this.#rooms = rooms
    this.#before = o.before
    this.#after = o.after
  }

  get before(): Commit | undefined {
    return commitOf(this.#before)
  }

  get after(): Commit | undefined {
    return commitOf(this.#after)
  }

  changes(): Cursor<Change> {
    return new LazyCursor(this.#changes(), undefined)
  }

  *#changes(): Generator<Change, void, undefined> {
    this.#rooms.assertOpen()
    yield* changesOf(this.before?.tree(), this.after?.tree() ?? emptyTree(this.#rooms.storage), {})
  }
}

function commitOf(outcome: Outcome): Commit | undefined {
  if ('error' in outcome) throw outcome.error
  return outcome.commit
}
