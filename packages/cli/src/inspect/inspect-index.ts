import { VarveError } from '@varve/pack/errors'
import { indexKind } from '@varve/pack/objects'
import { BlockCache, FileRetirer, IndexFile } from '@varve/pack/pack'
import { readStoreId } from './file-header.ts'
import type { Finding } from './finding.ts'
import type { InspectedFile } from './inspected-file.ts'

const CACHE_BYTES = 4 * 1024 * 1024

/**
 * What it counts, its lists, and whether its pages can be read. The hashes are in the pack file beside it.
 */
export async function* inspectIndex(file: InspectedFile): AsyncGenerator<Finding> {
  const { fs, folder, name, number } = file
  const storeId = await readStoreId(file)
  const cache = new BlockCache({ bytesMax: CACHE_BYTES })
  const retirer = new FileRetirer(fs, () => {})
  const index = await IndexFile.open(fs, { folder, name, number, storeId, cache, retirer })
  if (index === undefined) throw new VarveError('CORRUPT', { file: name, offset: 0 })
  try {
    const { packLength, count } = index
    yield { type: 'index', number, packLength, objects: count, storeId: storeId.toString('hex') }
    let entryCount = 0
    index.forEach(() => {
      entryCount++
    })
    yield { type: 'pages', entries: entryCount }
    for (const [kind, value] of Object.entries(indexKind)) {
      yield { type: 'records', kind, count: index.objectCount(value), bytes: index.objectBytes(value) }
    }
    for (const offset of index.metadataOffsets()) yield { type: 'metadata', offset }
    const { offsets, times } = index.touched()
    for (const [at, offset] of offsets.entries()) {
      yield { type: 'touched', offset, time: new Date(times[at] ?? 0).toISOString() }
    }
    for (const offset of index.healedOffsets()) yield { type: 'healed', offset }
  } finally {
    index.release()
  }
}
