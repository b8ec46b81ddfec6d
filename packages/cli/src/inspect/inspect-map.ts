import { BlockCache, FileRetirer, MapFile, PackFile } from '@varve/pack/pack'
import { readStoreId } from './file-header.ts'
import type { Finding } from './finding.ts'
import type { InspectedFile } from './inspected-file.ts'

const CACHE_BYTES = 4 * 1024 * 1024

export async function* inspectMap(file: InspectedFile): AsyncGenerator<Finding> {
  const map = await openMap(file)
  try {
    const { packLength, runCount } = map
    yield { type: 'map', number: file.number, packLength, runs: runCount }
    for (const run of map.runs()) yield { type: 'run', ...run }
  } finally {
    map.file.release()
  }
}

/** The map of a segment, by itself. Its user releases `map.file`. */
export async function openMap(file: InspectedFile): Promise<MapFile> {
  const { fs, folder, name, number } = file
  const storeId = await readStoreId(file)
  const cache = new BlockCache({ bytesMax: CACHE_BYTES })
  const retirer = new FileRetirer(fs, () => {})
  const packFile = await PackFile.open(fs, { folder, name, number, kind: 'map', cache, retirer })
  return new MapFile(packFile, cache, { number, storeId })
}
