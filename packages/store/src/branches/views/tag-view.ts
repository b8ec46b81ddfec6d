import type { Commit, TagAnnotation, TagReader } from '../../api/index.ts'
import { refKey } from '../../refs/index.ts'
import type { RefRooms } from '../branch-rooms.ts'
import { CommitHandle } from './commit-handle.ts'

/** A tag as its readers hold it. */
export class TagView implements TagReader {
  readonly name: string
  readonly #key: string
  readonly #rooms: RefRooms

  constructor(rooms: RefRooms, name: string) {
    this.#key = refKey('tags', name)
    this.name = name
    this.#rooms = rooms
  }

  async target(): Promise<Commit | undefined> {
    this.#rooms.assertOpen()
    const target = this.#rooms.refs.acknowledged(this.#key)
    if (target === undefined) return undefined
    return new CommitHandle(this.#rooms.objects.commitAt(target), this.#rooms.storage)
  }

  async annotation(): Promise<TagAnnotation | undefined> {
    this.#rooms.assertOpen()
    const found = this.#rooms.refs.acknowledged(this.#key)?.annotation
    return found && { ...found, date: new Date(found.date) }
  }
}
