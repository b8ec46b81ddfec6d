import { entryMode, type NodeRef, type TreeEntry } from '@varve/pack/objects'
import {
  type IdSize,
  MalformedTree,
  type ObjectReader,
  parseCommit,
  TreeObjectReader,
} from '../../git/index.ts'
import type { ImportSink } from '../import-sink.ts'
import type { KnownCommit } from '../known-commits.ts'
import { type IdMap, idState } from './id-map.ts'

/** A tree that Git and the store both have, under their own names. */
interface Pair {
  readonly id: string
  readonly ref: NodeRef
}

/**
 * Learns from a commit that was imported earlier which objects of Git are where in the store, by walking its
 * tree on both sides at once. Only Git's trees are read, and of these only such that are not known yet; no
 * blob.
 */
export class Boundary {
  readonly #ids: IdMap
  readonly #sink: ImportSink
  readonly #reader: ObjectReader
  readonly #idSize: IdSize

  constructor(o: { ids: IdMap; sink: ImportSink; reader: ObjectReader; idSize: IdSize }) {
    this.#ids = o.ids
    this.#sink = o.sink
    this.#reader = o.reader
    this.#idSize = o.idSize
  }

  async learn(commit: KnownCommit): Promise<void> {
    // In an odd tree a name may stand for something else in Git than in the store.
    if (commit.isOdd) return
    let tree: string | undefined
    await this.#reader.read([commit.id], (object) => {
      if (object.kind === 'object' && object.type === 'commit')
        tree = parseCommit(object.id, object.content).tree
    })
    if (tree === undefined || this.#ids.findHex(tree) >= 0) return
    const root = await this.#sink.commitTree(commit.hash)
    let level: Pair[] = [{ id: tree, ref: root }]
    while (level.length > 0) level = await this.#learnLevel(level)
  }

  /** One read for all trees of a level; gives the trees of the next. */
  async #learnLevel(level: readonly Pair[]): Promise<Pair[]> {
    const below: Pair[] = []
    let at = 0
    await this.#reader.read(
      level.map((pair) => pair.id),
      (object) => {
        const pair = level[at++]!
        if (object.kind !== 'object' || object.type !== 'tree') return
        if (this.#ids.findHex(pair.id) >= 0) return
        const stored = [...this.#sink.directoryEntries(pair.ref)]
        const size = stored.reduce((sum, entry) => sum + entry.size, 0)
        const index = this.#ids.addHex(pair.id, idState.tree)
        this.#ids.setTree(index, pair.ref, { count: stored.length, size, isOdd: false })
        this.#match(object.content, stored, below)
      },
    )
    return below
  }

  #match(content: Buffer, stored: readonly TreeEntry[], below: Pair[]): void {
    const byName = new Map(stored.map((entry) => [entry.name, entry]))
    const reader = new TreeObjectReader(content, { start: 0, end: content.length }, this.#idSize)
    try {
      while (reader.next()) {
        const entry = byName.get(reader.bytes.toString('latin1', reader.nameStart, reader.nameEnd))
        if (entry === undefined || entry.mode !== entryMode[reader.kind] || reader.kind === 'submodule')
          continue
        if (this.#ids.find(reader.bytes, reader.idAt) >= 0) continue
        const { hash, offset, size } = entry
        if (reader.kind === 'directory') below.push({ id: reader.id, ref: { hash, offset } })
        else this.#ids.setBlob(this.#ids.add(reader.bytes, reader.idAt, idState.blob), { hash, offset, size })
      }
    } catch (cause) {
      // What was learnt up to there holds; the rest is read from Git when it is needed.
      if (!(cause instanceof MalformedTree)) throw cause
    }
  }
}
