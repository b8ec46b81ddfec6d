export type { BodyView, Draft, DraftBlob, DraftNode } from './body-view.ts'
export {
  type ChunkEntry,
  chunksInRange,
  decodeList,
  encodeList,
  listContentLength,
  listFanOut,
  type PlacedChunk,
} from './chunks/chunk-list.ts'
export { type BigBlobBody, ChunkListBuilder, type ListSink } from './chunks/chunk-list-builder.ts'
export { Chunker, chunkBytesMax, chunkBytesMin, chunkBytesNormal } from './chunks/chunker.ts'
export { type CommitFields, decodeCommit, type EncodedCommit, encodeCommit } from './codecs/commit-codec.ts'
export {
  decodeMeta,
  encodeMeta,
  type MetaFields,
  type MetaReference,
  type MetaTable,
  metaTable,
} from './codecs/meta-codec.ts'
export { decodeNode, encodeNode, type InnerChild, type NodeFields } from './codecs/node-codec.ts'
export { decodeTouch, encodeTouch } from './codecs/touch-codec.ts'
export { ContentHasher, sha256 } from './content-hash.ts'
export {
  commitDomain,
  type Domain,
  hashCanonical,
  listDomain,
  placeDomain,
  treeDomain,
} from './domain.ts'
export { MalformedBody } from './malformed-body.ts'
export { decodeName, encodeName } from './names/encode-name.ts'
export {
  checkName,
  isLegalName,
  nameSizeMax,
  type RawName,
  rawNameBytes,
  rawNameText,
  toRawName,
} from './names/raw-name.ts'
export type { BlobRef, NodeReader, NodeRef, NodeSink } from './node-seam.ts'
export {
  hashEquals,
  hashSize,
  hexToRaw,
  isHexHash,
  type RawHash,
  rawToHex,
  readHash,
  sameHashBytes,
  writeHash,
} from './raw-hash.ts'
export {
  type IndexKind,
  indexKind,
  indexKindOf,
  isRecordOf,
  type RecordKind,
  recordKind,
} from './record-kind.ts'
export { type RecordReference, recordReferences, referenceCountOf } from './record-references.ts'
export { diffDirectories, type EntryDifference } from './tree/diff/diff-directories.ts'
export { diffTrees, type PathDifference } from './tree/diff/diff-trees.ts'
export {
  type EntryTarget,
  EntryView,
  entryMode,
  type ModeNumber,
  type TreeChange,
  type TreeEntry,
} from './tree/entry.ts'
export { lookup, lookupPath } from './tree/lookup.ts'
export {
  countInRange,
  directoryTotals,
  type IndexRange,
  indexRange,
  type NameRange,
} from './tree/name-range.ts'
export { leafForm, leafName } from './tree/node/leaf.ts'
export { type HighestReferences, highestReferences } from './tree/node/node-references.ts'
export { type NodeTotals, nodeTotals } from './tree/node/node-totals.ts'
export { validateNode } from './tree/node/validate-node.ts'
export { openDirectory, openNode } from './tree/open-node.ts'
export { type CursorOptions, TreeCursor } from './tree/tree-cursor.ts'
export { type TreeShape, treeShape } from './tree/tree-shape.ts'
export { validatePart, validateTotals } from './tree/validate-children.ts'
export { applyChanges } from './tree/write/apply-changes.ts'
export { DraftSink } from './tree/write/draft-sink.ts'
export { type Relocate, relocateDraft } from './tree/write/relocate-draft.ts'
export { storeDraft, storeDraftInSlices } from './tree/write/store-draft.ts'
export { TreeWriter } from './tree/write/tree-writer.ts'
