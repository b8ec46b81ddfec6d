/** Refs: their names and where they point. Knows commits as hashes and offsets only. */
export { type RefKind, refKey, refNameOf } from './ref-name.ts'
export { decodeRefValue, encodeRefValue, type RefValue } from './ref-record.ts'
export { type RefAnnotation, type RefDoubt, RefStore, type RefTarget } from './ref-store.ts'
export { refOf, refsFrom } from './refs-from-metadata.ts'
