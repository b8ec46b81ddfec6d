/** Which files of the volumes of a copy are those of this store's. */
import { VarveError } from '@varve/pack/errors'
import type { FileSystem } from '@varve/pack/fs'
import { fileName } from '@varve/pack/layout'
import { type ControlVolume, decodeManifest, manifestSum, type VolumeManifest } from '@varve/pack/pack'
import { lowerOf, type StoreState } from './store-state.ts'

/**
 * Names of the chunks, segments, and maps in volumes that both have. A manifest has a nonce: two stores that
 * have the same one have it, and all that it lists, from one archive.
 * @returns by those names, where the copy has them
 * @throws what the file system throws, but for what keeps a file from being read
 */
export async function sameVolumeFiles(
  fs: FileSystem,
  own: StoreState,
  copy: StoreState,
): Promise<ReadonlyMap<string, string>> {
  const paths = new Map<string, string>()
  const lower = lowerOf(copy)
  if (lower === undefined) return paths
  for (const mine of own.control.volumes) {
    const theirs = copy.control.volumes.find(({ id }) => id === mine.id)
    const shared = theirs && (await sharedManifest(fs, { own, copy, mine, theirs }))
    if (shared === undefined) continue
    const folder = fileName.volume(mine.id)
    const names = [
      ...shared.chunks.map(({ number }) => fileName.chunk(number)),
      ...shared.segments.flatMap(({ number }) => [fileName.segment(number), fileName.segmentMap(number)]),
    ]
    for (const name of names) paths.set(`${folder}/${name}`, `${lower}/${folder}/${name}`)
  }
  return paths
}

interface Pair {
  readonly own: StoreState
  readonly copy: StoreState
  readonly mine: ControlVolume
  readonly theirs: ControlVolume
}

/** The older of the two, which the other store must have had too. */
async function sharedManifest(fs: FileSystem, o: Pair): Promise<VolumeManifest | undefined> {
  const { own, copy, mine, theirs } = o
  const older = mine.manifest < theirs.manifest ? mine : theirs
  const file = `${fileName.volume(mine.id)}/${fileName.manifest(older.manifest)}`
  const found = await readManifest(fs, `${lowerOf(own)}/${file}`)
  const foundThere = await readManifest(fs, `${lowerOf(copy)}/${file}`)
  for (const manifest of [found, foundThere]) {
    const isMeant = manifest?.storeId === own.control.storeId && manifestSum(manifest) === older.checksum
    if (!isMeant) return undefined
  }
  return found
}

async function readManifest(fs: FileSystem, path: string): Promise<VolumeManifest | undefined> {
  try {
    return decodeManifest(await fs.readFile(path), path)
  } catch (error) {
    const isUnreadable = VarveError.is(error) || (error instanceof Error && 'syscall' in error)
    if (isUnreadable) return undefined
    throw error
  }
}
