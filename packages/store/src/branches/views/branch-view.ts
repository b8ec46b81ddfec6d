/** A branch as its readers hold it: a name, read at its acknowledged head at the time of each call. */
import type {
  Abortable,
  BranchReader,
  Bytes,
  Commit,
  Cursor,
  Entry,
  Path,
  Range,
  Tree,
} from '../../api/index.ts'
import { emptyTree } from '../../directory/index.ts'
import { refKey } from '../../refs/index.ts'
import type { RefRooms } from '../branch-rooms.ts'
import { CommitHandle } from './commit-handle.ts'

export class BranchView implements BranchReader {
  readonly name: string
  readonly #key: string
  readonly #rooms: RefRooms

  constructor(rooms: RefRooms, name: string) {
    this.#key = refKey('heads', name)
    this.name = name
    this.#rooms = rooms
  }

  async head(): Promise<Commit | undefined> {
    return this.headSync()
  }

  headSync(): Commit | undefined {
    this.#rooms.assertOpen()
    const target = this.#rooms.refs.acknowledged(this.#key)
    if (target === undefined) return undefined
    return new CommitHandle(this.#rooms.objects.commitAt(target), this.#rooms.storage)
  }

  async get(path: Path, o?: Abortable): Promise<Bytes | undefined> {
    return this.#tree().get(path, o)
  }

  getSync(path: Path): Bytes | undefined {
    return this.#tree().getSync(path)
  }

  async getMany(paths: readonly Path[], o?: Abortable): Promise<(Bytes | undefined)[]> {
    return this.#tree().getMany(paths, o)
  }

  async has(path: Path, o?: Abortable): Promise<boolean> {
    return this.#tree().has(path, o)
  }

  hasSync(path: Path): boolean {
    return this.#tree().hasSync(path)
  }

  async stat(path: Path, o?: Abortable): Promise<Entry | undefined> {
    return this.#tree().stat(path, o)
  }

  statSync(path: Path): Entry | undefined {
    return this.#tree().statSync(path)
  }

  async getTree(path: Path, o?: Abortable): Promise<Tree | undefined> {
    return this.#tree().getTree(path, o)
  }

  getTreeSync(path: Path): Tree | undefined {
    return this.#tree().getTreeSync(path)
  }

  entries(path?: Path, o?: Range): Cursor<Entry> {
    return this.#tree().entries(path, o)
  }

  entriesSync(path?: Path, o?: Range): IterableIterator<Entry> {
    return this.#tree().entriesSync(path, o)
  }

  values(path?: Path, o?: Range): Cursor<readonly [name: string, value: Bytes]> {
    return this.#tree().values(path, o)
  }

  async count(path?: Path): Promise<number> {
    return this.#tree().count(path)
  }

  /** A branch that is not there reads as an empty one. */
  #tree(): Tree {
    return this.headSync()?.tree() ?? emptyTree(this.#rooms.storage)
  }
}
