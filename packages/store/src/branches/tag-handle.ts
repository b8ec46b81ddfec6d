import { checkOptions, VarveError } from '@varve/pack/errors'
import {
  type Commit,
  type CommitLike,
  type Tag,
  type TagAnnotation,
  type TagInfo,
  tagInfoRules,
} from '../api/index.ts'
import { refKey } from '../refs/index.ts'
import type { BranchRooms } from './branch-rooms.ts'
import { checkTextBytes, dateMs } from './checked-commit.ts'
import { findCommit } from './find-commit.ts'
import { appendRef, settleRef } from './ref-writer.ts'
import { TagView } from './views/index.ts'

/** A tag as its callers hold it: a name that is made once and does not move. */
export class TagHandle implements Tag {
  readonly name: string
  readonly #key: string
  readonly #rooms: BranchRooms
  readonly #view: TagView

  constructor(rooms: BranchRooms, name: string) {
    this.#key = refKey('tags', name)
    this.name = name
    this.#rooms = rooms
    this.#view = new TagView(rooms, name)
  }

  target(): Promise<Commit | undefined> {
    return this.#view.target()
  }

  annotation(): Promise<TagAnnotation | undefined> {
    return this.#view.annotation()
  }

  async create(commit: CommitLike, o: TagInfo = {}): Promise<void> {
    checkOptions(o, tagInfoRules)
    const { queue, refs, durability } = this.#rooms
    checkTextBytes([o.message ?? '', o.author ?? ''])
    while (queue.isBlocked) await queue.unblocked()
    if (refs.newest(this.#key) !== undefined) throw new VarveError('CONFLICT', { ref: this.name })
    const { hash, offset } = findCommit(this.#rooms, commit)
    const at = this.#rooms.now()
    const isAnnotated = o.message !== undefined || o.author !== undefined || o.date !== undefined
    const annotation = !isAnnotated
      ? undefined
      : { message: o.message ?? '', author: o.author ?? this.#rooms.author, date: dateMs(o.date ?? at) }
    await settleRef(
      this.#rooms,
      appendRef(this.#rooms, this.#key, { hash, offset, at, annotation }),
      durability,
    )
  }

  async delete(): Promise<boolean> {
    const { queue, refs, durability } = this.#rooms
    while (queue.isBlocked) await queue.unblocked()
    if (refs.newest(this.#key) === undefined) return false
    await settleRef(this.#rooms, appendRef(this.#rooms, this.#key, undefined), durability)
    return true
  }
}
