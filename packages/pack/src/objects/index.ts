export type { BodyView, Draft, DraftBlob, DraftNode } from './body-view.ts'
export { ContentHasher, sha256 } from './content-hash.ts'
export {
  commitDomain,
  type Domain,
  hashCanonical,
  hashInDomain,
  listDomain,
  placeDomain,
  treeDomain,
} from './domain.ts'
export { MalformedBody } from './malformed-body.ts'
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
export { applyChanges } from './tree/apply-changes.ts'
export { DraftSink } from './tree/draft-sink.ts'
export {
  type EntryTarget,
  EntryView,
  entryMode,
  type ModeNumber,
  type TreeChange,
  type TreeEntry,
} from './tree/entry.ts'
export { lookup, lookupPath } from './tree/lookup.ts'
export { openDirectory, openNode } from './tree/open-node.ts'
export { storeDraft } from './tree/store-draft.ts'
export { type TreeShape, treeShape } from './tree/tree-shape.ts'
export { TreeWriter } from './tree/tree-writer.ts'
