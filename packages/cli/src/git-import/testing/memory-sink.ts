import { createHash } from 'node:crypto'
import {
  type BlobRef,
  type BodyView,
  hashEquals,
  type NodeReader,
  type NodeRef,
  type NodeSink,
  type RawHash,
  rawToHex,
  readHash,
  sha256,
  type TreeChange,
  type TreeEntry,
  TreeWriter,
  treeShape,
} from '@varve/pack/objects'
import type { ImportedRef, ImportSink, NewCommit } from '../import-sink.ts'
import type { StoredCommit } from '../known-commits.ts'

interface Body {
  readonly hash: RawHash
  readonly body: Buffer
  readonly referenceCount: number
}

/** A store of objects in memory, which an import can write to. Directories are real ones. */
export class MemorySink implements ImportSink {
  readonly #bodies = new Map<number, Body>()
  readonly #offsets = new Map<RawHash, number>()
  readonly #directories = new Map<RawHash, readonly TreeEntry[]>()
  readonly #writer: TreeWriter
  #nextOffset = 64
  readonly commits: Map<string, StoredCommit & { readonly tree: NodeRef }> = new Map()
  refs: readonly ImportedRef[] | undefined
  isAborted = false
  /** Objects that were not there before. */
  newCount = 0
  /** Directories made from others. */
  changeCount = 0

  constructor() {
    const reader: NodeReader = {
      node: (ref) => this.#lend(ref.offset, ref.hash),
      nodeAt: (offset, parent, hashStart) => this.#lend(offset, readHash(parent, hashStart)),
    }
    const sink: NodeSink = {
      putNode: (hash, body, start, end, referenceCount) => ({
        hash,
        offset: this.#put(hash, body.subarray(start, end), referenceCount),
      }),
      putBlob: (content) => this.putBlob(content),
    }
    this.#writer = new TreeWriter(reader, sink, treeShape)
  }

  putBlob(content: Buffer): BlobRef {
    const hash = sha256(content, 0, content.length)
    return { hash, offset: this.#put(hash, content, 0), size: content.length }
  }

  async putBlobStream(content: AsyncIterable<Buffer>): Promise<BlobRef> {
    const parts: Buffer[] = []
    for await (const part of content) parts.push(part)
    return this.putBlob(Buffer.concat(parts))
  }

  putDirectory(_base: undefined, entries: readonly TreeEntry[]): NodeRef {
    const ref = this.#writer.apply(
      undefined,
      entries.map((target) => ({ name: target.name, target })),
    )
    this.#directories.set(ref.hash, entries)
    return ref
  }

  changeDirectory(base: NodeRef, changes: readonly TreeChange[]): NodeRef {
    const entries = new Map(this.entriesOf(base.hash).map((entry) => [entry.name, entry]))
    for (const { name, target } of changes) {
      if (target === undefined) entries.delete(name)
      else entries.set(name, { name, ...target })
    }
    const ref = this.#writer.apply(base, changes)
    const sorted = [...entries.values()].sort((a, b) => (a.name < b.name ? -1 : 1))
    this.#directories.set(ref.hash, sorted)
    this.changeCount++
    return ref
  }

  totals(directory: NodeRef): { readonly count: number; readonly size: number } {
    const entries = this.entriesOf(directory.hash)
    return { count: entries.length, size: entries.reduce((sum, entry) => sum + entry.size, 0) }
  }

  putCommit(commit: NewCommit): { readonly hash: string } {
    const { tree, date, ...rest } = commit
    const text = JSON.stringify([rawToHex(tree.hash), date, rest])
    const hash = createHash('sha256').update(text).digest('hex')
    if (!this.commits.has(hash)) this.newCount++
    this.commits.set(hash, { ...rest, hash, tree, treeHash: rawToHex(tree.hash), date: new Date(date) })
    return { hash }
  }

  directoryEntries(directory: NodeRef): Iterable<TreeEntry> {
    return this.entriesOf(directory.hash)
  }

  async commitTree(commit: string): Promise<NodeRef> {
    const found = this.commits.get(commit)
    if (found === undefined) throw new Error('the commit is there')
    return found.tree
  }

  ready(): Promise<void> {
    return Promise.resolve()
  }

  async finish(refs: readonly ImportedRef[]): Promise<void> {
    this.refs = refs
  }

  async abort(): Promise<void> {
    this.isAborted = true
  }

  entriesOf(hash: RawHash): readonly TreeEntry[] {
    const found = this.#directories.get(hash)
    if (found === undefined) throw new Error('the directory is there')
    return found
  }

  contentOf(hash: RawHash): Buffer {
    const found = this.#bodies.get(this.#offsets.get(hash) ?? 0)
    if (found === undefined) throw new Error('the blob is there')
    return found.body
  }

  #put(hash: RawHash, bytes: Buffer, referenceCount: number): number {
    const known = this.#offsets.get(hash)
    if (known !== undefined) return known
    const offset = this.#nextOffset
    this.#nextOffset += (48 + bytes.length + 7) & ~7
    this.#bodies.set(offset, { hash, body: Buffer.from(bytes), referenceCount })
    this.#offsets.set(hash, offset)
    this.newCount++
    return offset
  }

  #lend(offset: number, hash: RawHash): BodyView {
    const found = this.#bodies.get(offset)
    if (found === undefined || !hashEquals(Buffer.from(found.hash, 'latin1'), 0, hash))
      throw new Error('no node')
    return { buf: found.body, start: 0, end: found.body.length, referenceCount: found.referenceCount }
  }
}
