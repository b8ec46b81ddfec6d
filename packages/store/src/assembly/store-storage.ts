import { VarveError } from '@varve/pack/errors'
import {
  type BlobRef,
  DraftSink,
  EntryView,
  hexToRaw,
  indexKind,
  type MalformedBody,
  type NodeReader,
  type NodeRef,
  type NodeSink,
  type RawHash,
  rawToHex,
  TreeWriter,
  treeShape,
} from '@varve/pack/objects'
import { type AddressSpace, Location, type RecordReader } from '@varve/pack/pack'
import type { Bytes } from '../api/index.ts'
import type { TreeStorage } from '../directory/index.ts'
import type { FilesView } from '../file-set/index.ts'
import { GIT_ID_KEY, type ProjectedCommit, type ProjectionSource } from '../projections/index.ts'
import type { BlobReader, ObjectReader } from '../reader/index.ts'
import type { RefStore } from '../refs/index.ts'

export interface StoreStorageParts {
  readonly files: FilesView
  readonly objects: ObjectReader
  readonly blobs: BlobReader
}

/** The store as its trees see it: always the address space of the moment. */
export class StoreStorage implements TreeStorage {
  readonly nodes: NodeReader
  readonly found: EntryView = new EntryView()
  readonly #location = new Location()
  readonly #parts: StoreStorageParts
  /** The writer that was given last, and its sink: nearly always the log's. */
  #treeWriter: { readonly sink: NodeSink; readonly writer: TreeWriter } | undefined

  constructor(parts: StoreStorageParts) {
    this.#parts = parts
    this.nodes = parts.objects
  }

  get instance(): object {
    return this.#parts.files.instance
  }

  epoch(): number {
    return this.#parts.files.epoch
  }

  treeWriter(sink: NodeSink): TreeWriter {
    if (this.#treeWriter?.sink === sink) return this.#treeWriter.writer
    const writer = new TreeWriter(this.nodes, sink, treeShape)
    // A sink of drafts is used once.
    if (!(sink instanceof DraftSink)) this.#treeWriter = { sink, writer }
    return writer
  }

  readBlob(blob: BlobRef): Bytes {
    return this.#parts.blobs.bytes(blob)
  }

  readLargeBlob(blob: BlobRef, signal: AbortSignal | undefined): Promise<Bytes> {
    return this.#parts.blobs.bytesAsync(blob, signal)
  }

  findBlob(hash: RawHash): BlobRef | undefined {
    return this.#parts.blobs.find(hash)
  }

  findTree(hash: RawHash): NodeRef | undefined {
    const offset = this.#parts.objects.find(indexKind.tree, hash)
    return offset === 0 ? undefined : { hash, offset }
  }

  isLive(offset: number): boolean {
    const { space } = this.#parts.files
    return space.isLive(offset) || (space.lower?.locate(offset, this.#location) ?? false)
  }

  corrupt(cause: MalformedBody): VarveError<'CORRUPT'> {
    return this.#parts.objects.corrupt(cause)
  }
}

/** Whether a pack file reaches above a position: an opening does not look through all that is old. */
function endsAbove({ chunks, segments }: AddressSpace, position: number): (pack: number) => boolean {
  const above = new Set<number>()
  for (const chunk of chunks) if (chunk.end > position) above.add(chunk.number)
  for (const segment of segments) if (segment.high > position) above.add(segment.file.number)
  return (pack) => above.has(pack)
}

/**
 * `undefined` when it is damaged: the projections suggest, so they may miss it; a reader meets the damage.
 */
function readCommit(
  { objects, records }: { readonly objects: ObjectReader; readonly records: RecordReader },
  offset: number,
): ProjectedCommit | undefined {
  try {
    const { hash } = records.record(offset)
    const { extra } = objects.commitAt({ hash, offset })
    return { hash: rawToHex(hash), extra }
  } catch (error) {
    if (VarveError.is(error, 'CORRUPT')) return undefined
    throw error
  }
}

/** The log as the projections see it when they must be brought up to it. */
export function projectionSource(parts: {
  readonly files: FilesView
  readonly objects: ObjectReader
  readonly records: RecordReader
  readonly refs: () => RefStore
}): ProjectionSource {
  const { files, objects, records, refs } = parts
  return {
    end: () => files.space.end,
    *commitsFrom(position: number): Iterable<ProjectedCommit> {
      for (const offset of files.index.commitsFrom(position, endsAbove(files.space, position))) {
        const commit = readCommit({ objects, records }, offset)
        if (commit !== undefined) yield commit
      }
    },
    archivedTo: () => files.control.volumes.map(({ id, manifest }) => `${id}:${manifest}`).join(' '),
    *archivedCommits(): Iterable<ProjectedCommit> {
      const offsets = files.index.archivedCommits()
      for (let step = offsets.next(); ; step = offsets.next()) {
        if (step.done === true) {
          if (step.value !== undefined) throw step.value
          return
        }
        const commit = readCommit({ objects, records }, step.value)
        if (commit !== undefined) yield commit
      }
    },
    gitIdOf: (hash: string) => objects.commit(hexToRaw(hash))?.extra[GIT_ID_KEY],
    *refs() {
      for (const { key, target } of refs().listed()) yield { key, hash: rawToHex(target.hash) }
    },
    refAt(key: string) {
      const target = refs().lastKnown(key)
      return target === undefined ? undefined : rawToHex(target.hash)
    },
  }
}
