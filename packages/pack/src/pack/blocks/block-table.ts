import { assert } from '../../base/index.ts'
import { blockBytes, indexBlockBytes } from './block.ts'
import { isIndexKey } from './file-key.ts'

/** No file of ours is larger: chunks end at 1 GiB and one batch, segments at 256 MiB. */
const blocksMax = 1 << 17

/** Which of a file's blocks are in the cache, and where in its ring. Owned by `BlockCache`. */
export class BlockTable {
  /** The file: its number and what it is, see `fileKey`. */
  readonly key: number
  /** Size of its blocks; only the last may be shorter. */
  readonly blockBytes: number
  /** By block index: 1 + the place in the ring; 0 means not cached. */
  #places = new Uint32Array(16)

  constructor(key: number) {
    this.key = key
    this.blockBytes = isIndexKey(key) ? indexBlockBytes : blockBytes
  }

  /** Memory of the table itself. */
  get bytes(): number {
    return this.#places.byteLength + tableObjectBytes
  }

  /** 1 + the place in the ring, or 0. */
  place(index: number): number {
    return index < this.#places.length ? (this.#places[index] as number) : 0
  }

  setPlace(index: number, place: number): void {
    if (index >= this.#places.length) this.#grow(index)
    this.#places[index] = place
  }

  #grow(index: number): void {
    assert(index < blocksMax, 'block index out of range')
    let length = this.#places.length
    while (length <= index) length *= 2
    const places = new Uint32Array(length)
    places.set(this.#places)
    this.#places = places
  }
}

const tableObjectBytes = 240
