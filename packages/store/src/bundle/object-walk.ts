import { readU64 } from '@varve/pack/base'
import {
  type BodyView,
  type IndexKind,
  indexKind,
  indexKindOf,
  type RawHash,
  type RecordKind,
  readHash,
  recordKind,
  recordReferences,
} from '@varve/pack/objects'
import type { ObjectReader } from '../reader/index.ts'
import type { CommitPlace } from './commit-order.ts'
import { ObjectTable } from './object-table.ts'

/** An object and where it is. */
export interface ObjectPlace {
  readonly kind: IndexKind
  readonly hash: RawHash
  readonly offset: number
}

/** An object as a bundle has it. */
export interface BundledObject {
  readonly kind: RecordKind
  readonly hash: Buffer
  /** A copy. */
  readonly canonical: Buffer
}

interface Frame {
  readonly place: ObjectPlace
  readonly references: readonly ObjectPlace[]
  next: number
}

/**
 * Walks trees in an order that follows from their content: references before what refers to them, each once.
 */
export class ObjectWalk {
  readonly #objects: ObjectReader
  readonly #assertOpen: () => void
  readonly #seen = new ObjectTable()

  /** @param assertOpen asked before each read, as others may have had their turn */
  constructor(objects: ObjectReader, assertOpen: () => void) {
    this.#objects = objects
    this.#assertOpen = assertOpen
  }

  /** Everything below a commit, and the commit itself. */
  *commit(place: CommitPlace): Generator<BundledObject, void, undefined> {
    for (const found of this.#below({ kind: indexKind.commit, ...place })) yield this.#read(found)
  }

  /** What a commit holds counts as walked. */
  *skip(place: CommitPlace): Generator<void, void, undefined> {
    for (const _ of this.#below({ kind: indexKind.commit, ...place })) yield
  }

  *#below(root: ObjectPlace): Generator<ObjectPlace, void, undefined> {
    const stack: Frame[] = []
    this.#enter(root, stack)
    for (let top = stack.at(-1); top !== undefined; top = stack.at(-1)) {
      const reference = top.references[top.next++]
      if (reference !== undefined) {
        this.#enter(reference, stack)
        continue
      }
      stack.pop()
      yield top.place
    }
  }

  #enter(place: ObjectPlace, stack: Frame[]): void {
    if (!this.#seen.add(place.kind, place.hash)) return
    const { kind, body } = this.#body(place)
    const { buf, end, referenceCount: n } = body
    const references = recordReferences(kind, body).map((to, i) => {
      return { kind: to.kind, hash: readHash(buf, to.hashStart), offset: readU64(buf, end - 8 * (n - i)) }
    })
    stack.push({ place, references, next: 0 })
  }

  #read(place: ObjectPlace): BundledObject {
    const { kind, body } = this.#body(place)
    const canonical = Buffer.from(body.buf.subarray(body.start, body.end - 8 * body.referenceCount))
    return { kind, hash: Buffer.from(place.hash, 'latin1'), canonical }
  }

  #body({ kind, hash, offset }: ObjectPlace): { readonly kind: RecordKind; readonly body: BodyView } {
    this.#assertOpen()
    const { kind: found, buf, bodyStart, bodyEnd, referenceCount } = this.#objects.record(kind, hash, offset)
    const isObject = indexKindOf(found) === kind
    const record = (isObject ? found : recordKind.blob) as RecordKind
    return { kind: record, body: { buf, start: bodyStart, end: bodyEnd, referenceCount } }
  }
}
