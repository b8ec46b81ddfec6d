import type { SegmentInfo } from '@varve/pack/pack'

/** The files of a layer: of the store's folder, or of a volume. An open chunk is as long as its log. */
export interface LayerPlace {
  readonly folder: string
  readonly chunks: readonly { readonly number: number; readonly base: number; readonly length: number }[]
  readonly segments: readonly SegmentInfo[]
}
