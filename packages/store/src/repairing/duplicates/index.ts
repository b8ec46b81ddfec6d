/** Files that lie a second time elsewhere, with the same bytes. */
export { copiesInLayers, type FileCopies } from './file-copies.ts'
export type { LayerPlace } from './layer-place.ts'
export { sameFiles } from './same-files.ts'
export { lowerOf, type StoreState } from './store-state.ts'
