/**
 * Where files of the store lie a second time, with the same bytes: in a copy of the store, or, as archived
 * segments that the upper layer goes on using do, in the store's own other layer.
 */
import { isDeepStrictEqual } from 'node:util'
import { fileName } from '@varve/pack/layout'
import type { LayerPlace } from './layer-place.ts'

export interface FileCopy {
  /** Where it lies. */
  readonly path: string
  /** Path of the store to which it belongs there. */
  readonly from: string
}

/** Copies by the names that findings have for the files. */
export type FileCopies = ReadonlyMap<string, FileCopy>

/**
 * Segments and maps that two layers of the store have.
 * @param isWhole whether nothing is known against a file
 */
export function copiesInLayers(
  layers: ReadonlyMap<string, LayerPlace>,
  o: { readonly from: string; readonly isWhole: (file: string) => boolean },
): FileCopies {
  const copies = new Map<string, FileCopy>()
  for (const [prefix, { segments }] of layers) {
    for (const segment of segments) {
      for (const [otherPrefix, other] of layers) {
        // No number is given twice: the same segment has the same bytes.
        const isSame = prefix !== otherPrefix && other.segments.some((s) => isDeepStrictEqual(s, segment))
        if (!isSame) continue
        for (const name of [fileName.segment(segment.number), fileName.segmentMap(segment.number)]) {
          if (!o.isWhole(otherPrefix + name)) continue
          copies.set(prefix + name, { path: `${other.folder}/${name}`, from: o.from })
        }
      }
    }
  }
  return copies
}
