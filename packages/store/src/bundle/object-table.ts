import { randomBytes } from 'node:crypto'
import { Float64List } from '@varve/pack/base'
import { hashEquals, hashSize, type IndexKind, type RawHash, writeHash } from '@varve/pack/objects'
import { HashTable } from '@varve/pack/pack'

/** What is known of an object without looking at it again. */
export interface ObjectFacts {
  /** Where it is: a virtual offset, or a position in a file. */
  readonly place: number
  /** Entries of a tree node; the level of a chunk list. */
  readonly count: number
  /** Size of a blob, bytes below a tree node or a list. */
  readonly bytes: number
}

const firstCapacity = 1 << 10
/** Units of the table of fingerprints. */
const unit = 8

/** A set of objects by kind and hash, with facts; some 90 bytes each, without an object for each. */
export class ObjectTable {
  readonly #table = new HashTable({ seed: randomBytes(4).readUInt32LE(0) })
  #hashes = Buffer.alloc(firstCapacity * hashSize)
  #kinds = new Uint8Array(firstCapacity)
  readonly #places = new Float64List()
  readonly #counts = new Float64List()
  readonly #bytes = new Float64List()

  get size(): number {
    return this.#places.length
  }

  has(kind: IndexKind, hash: RawHash): boolean {
    return this.#find(kind, hash) >= 0
  }

  get(kind: IndexKind, hash: RawHash): ObjectFacts | undefined {
    const index = this.#find(kind, hash)
    if (index < 0) return undefined
    return { place: this.#places.at(index), count: this.#counts.at(index), bytes: this.#bytes.at(index) }
  }

  /** False: it was there. */
  add(kind: IndexKind, hash: RawHash, facts: ObjectFacts = nothing): boolean {
    if (this.#find(kind, hash) >= 0) return false
    const index = this.size
    if (index === this.#kinds.length) this.#grow()
    writeHash(this.#hashes, hash, index * hashSize)
    this.#kinds[index] = kind
    this.#places.push(facts.place)
    this.#counts.push(facts.count)
    this.#bytes.push(facts.bytes)
    this.#table.add(hash, (index + 1) * unit)
    return true
  }

  #find(kind: IndexKind, hash: RawHash): number {
    const table = this.#table
    for (let slot = table.first(hash); slot >= 0; slot = table.next(slot)) {
      const index = table.offsetAt(slot) / unit - 1
      const isSame = this.#kinds[index] === kind && hashEquals(this.#hashes, index * hashSize, hash)
      if (isSame) return index
    }
    return -1
  }

  #grow(): void {
    const hashes = Buffer.alloc(this.#hashes.length * 2)
    this.#hashes.copy(hashes)
    this.#hashes = hashes
    const kinds = new Uint8Array(this.#kinds.length * 2)
    kinds.set(this.#kinds)
    this.#kinds = kinds
  }
}

const nothing: ObjectFacts = { place: 0, count: 0, bytes: 0 }
