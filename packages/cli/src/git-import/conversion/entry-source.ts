import { type BlobRef, encodeName, entryMode, type ModeNumber, type TreeEntry } from '@varve/pack/objects'
import type { GitEntryKind, TreeObjectReader } from '../../git/index.ts'
import type { ImportSink } from '../import-sink.ts'
import { type IdIndex, type IdMap, idState } from './id-map.ts'

const modeOf: Readonly<Record<GitEntryKind, ModeNumber>> = entryMode

/** Why an entry cannot be made yet, or never. */
export type Obstacle =
  /** Nothing is known of the object. */
  | { readonly obstacle: 'unknown'; readonly id: string }
  /** A tree that is to be converted first. */
  | { readonly obstacle: 'waiting'; readonly index: IdIndex }
  /** Git cannot supply it, or it is not what the entry says. */
  | { readonly obstacle: 'broken' }

const broken: Obstacle = { obstacle: 'broken' }

/** Makes entries of the store's directories from entries of Git's trees. */
export class EntrySource {
  readonly #ids: IdMap
  readonly #sink: ImportSink
  readonly #submodules = new Map<string, BlobRef>()
  /** An entry was made whose tree is odd. Whoever cares sets it back. */
  hasOdd = false

  constructor(ids: IdMap, sink: ImportSink) {
    this.#ids = ids
    this.#sink = sink
  }

  /** From what the reader stands at. */
  entry(reader: TreeObjectReader): TreeEntry | Obstacle {
    const mode = modeOf[reader.kind]
    if (reader.kind === 'submodule') {
      const { hash, offset, size } = this.#submodule(reader.id)
      return { name: nameOf(reader), mode, size, count: 0, hash, offset }
    }
    const ids = this.#ids
    const index = ids.find(reader.bytes, reader.idAt)
    if (index < 0) return { obstacle: 'unknown', id: reader.id }
    const state = ids.state(index)
    if (state === idState.waiting) return { obstacle: 'waiting', index }
    const isDirectory = reader.kind === 'directory'
    if (state !== (isDirectory ? idState.tree : idState.blob)) return broken
    if (isDirectory && ids.isOdd(index)) this.hasOdd = true
    const count = isDirectory ? ids.entryCount(index) : 0
    const size = ids.size(index)
    return { name: nameOf(reader), mode, size, count, hash: ids.hash(index), offset: ids.offset(index) }
  }

  /** A submodule's content is a blob that holds its id. */
  #submodule(id: string): BlobRef {
    let ref = this.#submodules.get(id)
    if (ref === undefined) {
      ref = this.#sink.putBlob(Buffer.from(id, 'latin1'))
      this.#submodules.set(id, ref)
    }
    return ref
  }
}

function nameOf(reader: TreeObjectReader): string {
  return reader.isNameLegal
    ? reader.bytes.toString('latin1', reader.nameStart, reader.nameEnd)
    : Buffer.from(encodeName(reader.name)).toString('latin1')
}
