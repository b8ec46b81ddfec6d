import type { CheckResult } from '@varve/gc-worker'
import type { FileSystem } from '@varve/pack/fs'
import { fileName } from '@varve/pack/layout'
import { hexToRaw } from '@varve/pack/objects'
import type { LayerPlace } from '../duplicates/index.ts'
import { type ChunkCopy, type ChunkMendOptions, chunkMend, openIfWhole } from './chunk-mend.ts'
import type { ChunkPlace } from './chunk-place.ts'
import type { BodySource } from './mended-record.ts'
import type { ChunkMend } from './patch.ts'
import type { NamedRecord } from './reframed.ts'

/** By the names that findings have for the files. */
export type FileMends = ReadonlyMap<string, ChunkMend>

export interface ChunkMendsOptions {
  readonly storeId: Buffer
  readonly layers: ReadonlyMap<string, LayerPlace>
  /** What a check has found. */
  readonly damaged: CheckResult['findings']
  readonly named: CheckResult['named']
  /** Where the bodies of records that are damaged in a volume may be whole. */
  readonly bodyOf: BodySource
  readonly copy: { readonly path: string; readonly layers: ReadonlyMap<string, LayerPlace> } | undefined
}

/**
 * What can be mended of the damaged chunks of a store.
 * @throws what the file system throws
 */
export async function chunkMends(fs: FileSystem, o: ChunkMendsOptions): Promise<FileMends> {
  const errors = o.damaged.filter(({ severity }) => severity === 'error')
  const mends = new Map<string, ChunkMend>()
  for (const [prefix, layer] of o.layers) {
    for (const chunk of placesIn(layer)) {
      const file = prefix + fileName.chunk(chunk.number)
      const found = errors.filter((finding) => finding.file === file)
      if (found.length === 0) continue
      const named = found.some(({ isDoubt }) => isDoubt) ? namedIn(o, prefix) : undefined
      // What is damaged above is put again.
      const bodyOf = prefix === '' ? undefined : o.bodyOf
      const mend = await bestMend(fs, o, { chunk, named, bodyOf })
      if (mend !== undefined) mends.set(file, mend)
    }
  }
  return mends
}

/**
 * Of the damaged chunks those of which nobody can read anything: gone, too short, or without a whole header.
 */
export async function shutChunks(
  fs: FileSystem,
  o: Pick<ChunkMendsOptions, 'storeId' | 'layers'> & { readonly isDamaged: (file: string) => boolean },
): Promise<ReadonlySet<string>> {
  const shut = new Set<string>()
  for (const [prefix, layer] of o.layers) {
    for (const chunk of placesIn(layer)) {
      const file = prefix + fileName.chunk(chunk.number)
      if (!o.isDamaged(file)) continue
      const opened = await openIfWhole(fs, { ...chunk, storeId: o.storeId })
      if (opened === undefined) shut.add(file)
      await opened?.handle.close()
    }
  }
  return shut
}

/** The first that mends all, or else the first that takes something from a copy. */
async function bestMend(
  fs: FileSystem,
  { storeId, copy }: ChunkMendsOptions,
  damaged: Pick<ChunkMendOptions, 'chunk' | 'named' | 'bodyOf'>,
): Promise<ChunkMend | undefined> {
  let best: ChunkMend | undefined
  for (const there of [undefined, ...copiesOf(damaged.chunk, copy)]) {
    const mend = await chunkMend({ fs, storeId, ...damaged, copy: there })
    if (mend?.isAll) return mend
    if (best === undefined || (best.from === undefined && mend?.from !== undefined)) best = mend ?? best
  }
  return best
}

function namedIn({ named }: ChunkMendsOptions, prefix: string): ReadonlyMap<number, NamedRecord> {
  const mine = named.filter((damage) => damage.prefix === prefix)
  return new Map(mine.map(({ offset, kind, hash }) => [offset, { kind, hash: hexToRaw(hash) }]))
}

function* copiesOf(
  { number, base }: ChunkPlace,
  copy: ChunkMendsOptions['copy'],
): Generator<ChunkCopy, void, undefined> {
  if (copy === undefined) return
  for (const layer of copy.layers.values()) {
    for (const chunk of placesIn(layer)) {
      if (chunk.number === number && chunk.base === base) yield { ...chunk, from: copy.path }
    }
  }
}

function placesIn({ folder, chunks }: LayerPlace): ChunkPlace[] {
  return chunks.map(({ number, base, length }) => ({ folder, number, base, length }))
}
