import { assert } from '@varve/pack/base'
import { type BlobRef, hashSize, type NodeRef, type RawHash, readHash, writeHash } from '@varve/pack/objects'
import type { IdSize } from '../../git/index.ts'

/** What is known of a Git object. */
export const idState = {
  /** Was waiting when an import had to begin again: as if it had never been added. */
  unseen: 0,
  blob: 1,
  tree: 2,
  commit: 3,
  /** A tree whose bytes are here and that is not converted yet. */
  waiting: 4,
  /** Git cannot supply it. */
  absent: 5,
  /** A tree or commit that needs an absent object. */
  broken: 6,
} as const

export type IdState = (typeof idState)[keyof typeof idState]

/** The place of a Git object in the map: stays the same. */
export type IdIndex = number

const PAGE_BITS = 13
const PAGE_COUNT = 1 << PAGE_BITS
const SLOTS_MIN = 1 << 14

/**
 * Facts of 8,192 objects, column by column: about 75 bytes an object, and nothing for the garbage collector.
 */
interface Page {
  readonly ids: Buffer
  readonly hashes: Buffer
  readonly offsets: Float64Array
  readonly sizes: Float64Array
  readonly counts: Uint32Array
  readonly states: Uint8Array
  readonly isOdd: Uint8Array
}

/**
 * From Git's ids to where their content is in the store. Millions of objects pass through an import, so the
 * facts lie in typed arrays, in pages that never move; a table of open addressing finds them by id.
 */
export class IdMap {
  readonly #idSize: IdSize
  readonly #pages: Page[] = []
  #count = 0
  /** Index + 1 of each object, 0 where free; as many as a power of two, at most half in use. */
  #slots: Uint32Array = new Uint32Array(SLOTS_MIN)

  constructor(idSize: IdSize) {
    this.#idSize = idSize
  }

  get count(): number {
    return this.#count
  }

  /** -1 when the id was never added. */
  find(ids: Buffer, at: number): IdIndex {
    const mask = this.#slots.length - 1
    for (let slot = slotOf(ids, at) & mask; ; slot = (slot + 1) & mask) {
      const entry = this.#slots[slot]!
      if (entry === 0) return -1
      if (this.#isAt(entry - 1, ids, at)) return this.state(entry - 1) === idState.unseen ? -1 : entry - 1
    }
  }

  findHex(id: string): IdIndex {
    return this.find(Buffer.from(id, 'hex'), 0)
  }

  /** The place of an object that `find` does not find, now in this state. */
  add(ids: Buffer, at: number, state: IdState): IdIndex {
    if (this.#count * 2 >= this.#slots.length) this.#grow()
    const mask = this.#slots.length - 1
    let slot = slotOf(ids, at) & mask
    for (; this.#slots[slot] !== 0; slot = (slot + 1) & mask) {
      const index = this.#slots[slot]! - 1
      if (!this.#isAt(index, ids, at)) continue
      this.setState(index, state)
      return index
    }
    const index = this.#count++
    if (index >> PAGE_BITS === this.#pages.length) this.#pages.push(newPage(this.#idSize))
    ids.copy(this.#page(index).ids, (index & (PAGE_COUNT - 1)) * this.#idSize, at, at + this.#idSize)
    this.#slots[slot] = index + 1
    this.setState(index, state)
    return index
  }

  addHex(id: string, state: IdState): IdIndex {
    return this.add(Buffer.from(id, 'hex'), 0, state)
  }

  state(index: IdIndex): IdState {
    return this.#page(index).states[index & (PAGE_COUNT - 1)] as IdState
  }

  setState(index: IdIndex, state: IdState): void {
    this.#page(index).states[index & (PAGE_COUNT - 1)] = state
  }

  id(index: IdIndex): string {
    const start = (index & (PAGE_COUNT - 1)) * this.#idSize
    return this.#page(index).ids.toString('hex', start, start + this.#idSize)
  }

  setBlob(index: IdIndex, ref: BlobRef): void {
    this.#set(index, idState.blob, ref.hash, ref.offset, ref.size)
  }

  setTree(index: IdIndex, ref: NodeRef, facts: TreeFacts): void {
    this.#set(index, idState.tree, ref.hash, ref.offset, facts.size)
    const page = this.#page(index)
    page.counts[index & (PAGE_COUNT - 1)] = facts.count
    page.isOdd[index & (PAGE_COUNT - 1)] = facts.isOdd ? 1 : 0
  }

  setCommit(index: IdIndex, hash: RawHash, isOdd: boolean): void {
    this.#set(index, idState.commit, hash, 0, 0)
    this.#page(index).isOdd[index & (PAGE_COUNT - 1)] = isOdd ? 1 : 0
  }

  hash(index: IdIndex): RawHash {
    return readHash(this.#page(index).hashes, (index & (PAGE_COUNT - 1)) * hashSize)
  }

  /** Hex. */
  commitHash(index: IdIndex): string {
    assert(this.state(index) === idState.commit, 'the object is a commit of the store')
    const start = (index & (PAGE_COUNT - 1)) * hashSize
    return this.#page(index).hashes.toString('hex', start, start + hashSize)
  }

  offset(index: IdIndex): number {
    return this.#page(index).offsets[index & (PAGE_COUNT - 1)]!
  }

  /** Bytes of a blob, or of all blobs below a tree. */
  size(index: IdIndex): number {
    return this.#page(index).sizes[index & (PAGE_COUNT - 1)]!
  }

  /** Entries of a tree. */
  entryCount(index: IdIndex): number {
    return this.#page(index).counts[index & (PAGE_COUNT - 1)]!
  }

  /**
   * The tree (of a commit: its tree), or one below it, has something that its directory in the store does not
   * show.
   */
  isOdd(index: IdIndex): boolean {
    return this.#page(index).isOdd[index & (PAGE_COUNT - 1)] === 1
  }

  #set(index: IdIndex, state: IdState, hash: RawHash, offset: number, size: number): void {
    const page = this.#page(index)
    const at = index & (PAGE_COUNT - 1)
    writeHash(page.hashes, hash, at * hashSize)
    page.offsets[at] = offset
    page.sizes[at] = size
    page.states[at] = state
  }

  #page(index: IdIndex): Page {
    return this.#pages[index >> PAGE_BITS]!
  }

  #isAt(index: IdIndex, ids: Buffer, at: number): boolean {
    const known = this.#page(index).ids
    const start = (index & (PAGE_COUNT - 1)) * this.#idSize
    for (let i = 0; i < this.#idSize; i++) if (known[start + i] !== ids[at + i]) return false
    return true
  }

  #grow(): void {
    this.#slots = new Uint32Array(this.#slots.length * 2)
    const mask = this.#slots.length - 1
    for (let index = 0; index < this.#count; index++) {
      let slot = slotOf(this.#page(index).ids, (index & (PAGE_COUNT - 1)) * this.#idSize) & mask
      while (this.#slots[slot] !== 0) slot = (slot + 1) & mask
      this.#slots[slot] = index + 1
    }
  }
}

export interface TreeFacts {
  readonly count: number
  readonly size: number
  readonly isOdd: boolean
}

function newPage(idSize: IdSize): Page {
  return {
    ids: Buffer.alloc(PAGE_COUNT * idSize),
    hashes: Buffer.alloc(PAGE_COUNT * hashSize),
    offsets: new Float64Array(PAGE_COUNT),
    sizes: new Float64Array(PAGE_COUNT),
    counts: new Uint32Array(PAGE_COUNT),
    states: new Uint8Array(PAGE_COUNT),
    isOdd: new Uint8Array(PAGE_COUNT),
  }
}

/** Ids are the output of a cryptographic hash: their first bytes are as good as any mixing of them. */
function slotOf(ids: Buffer, at: number): number {
  return ids.readInt32LE(at) & 0x7fffffff
}
