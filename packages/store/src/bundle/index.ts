/** Bundles: commits with all that they hold as one stream of bytes. The bytes are told in docs/bundle.md. */
export type { BundleHeader, BundleTip } from './bundle-format.ts'
export type { BundleSink, ProvedObject } from './bundle-sink.ts'
export type { ObjectFacts } from './object-table.ts'
export { factsOf } from './prove-object.ts'
export { type BundleContents, proveBundle, type ReadBundleOptions, readBundle } from './read-bundle.ts'
export { type BundleCount, type BundleOrder, bundleBytes } from './write-bundle.ts'
