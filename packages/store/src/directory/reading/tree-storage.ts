import type { VarveError } from '@varve/pack/errors'
import type {
  BlobRef,
  EntryView,
  MalformedBody,
  NodeReader,
  NodeRef,
  NodeSink,
  RawHash,
  TreeWriter,
} from '@varve/pack/objects'
import type { Bytes } from '../../api/index.ts'

/**
 * What trees need of the store that they are read from. Everything goes through the address space of the
 * moment: virtual offsets keep their meaning across collections, so nothing is held open between two calls.
 */
export interface TreeStorage {
  /** One object per opening of a store: offsets of different instances have nothing to do with each other. */
  readonly instance: object
  /** Raised by each switch to a new generation; while it stays, what was live is live. */
  epoch(): number
  readonly nodes: NodeReader
  /** Filled by a look-up and read before the next one. */
  readonly found: EntryView
  /**
   * A writer of nodes to the sink, for one synchronous piece of work: it may be given to the next caller too.
   */
  treeWriter(sink: NodeSink): TreeWriter
  /**
   * The content of a stored blob of any size, as a copy of its own.
   * @throws COLLECTED, CORRUPT
   */
  readBlob(blob: BlobRef): Bytes
  /**
   * The same without blocking, for blobs that are chunk lists.
   * @throws COLLECTED, CORRUPT, ABORTED
   */
  readLargeBlob(blob: BlobRef, signal: AbortSignal | undefined): Promise<Bytes>
  /** Where a blob with this hash is live; `undefined`: the store holds none. */
  findBlob(hash: RawHash): BlobRef | undefined
  /** Where a tree's root node with this hash is live; `undefined`: the store holds none. */
  findTree(hash: RawHash): NodeRef | undefined
  /**
   * Whether the record at this virtual offset, which a caller named, is still there: at or above the retire
   * boundary, kept below it, or in a volume.
   * @throws LOWER_UNAVAILABLE when it may be in a volume that is away
   */
  isLive(offset: number): boolean
  /**
   * The error for a node whose record was whole but whose body breaks the codec: the one that was read last.
   */
  corrupt(cause: MalformedBody): VarveError<'CORRUPT'>
}

/** Where a tree is, in which store, and since when that is known to be live. */
export interface TreeState {
  readonly storage: TreeStorage
  readonly root: NodeRef
  readonly epoch: number
}

/** What this library's own trees carry beside their public face. */
export interface HasTreeState {
  readonly treeState: TreeState
}

/** The state of a tree, or `undefined` for anything that is not one of ours. */
export function stateOf(tree: unknown): TreeState | undefined {
  if (typeof tree !== 'object' || tree === null || !('treeState' in tree)) return undefined
  return (tree as HasTreeState).treeState
}
