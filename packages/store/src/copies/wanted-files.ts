/** Which files a backup is to have. */
import { VarveError } from '@varve/pack/errors'
import type { FileSystem } from '@varve/pack/fs'
import { fileName } from '@varve/pack/layout'
import { type ControlVolume, decodeManifest, manifestSum, type VolumeManifest } from '@varve/pack/pack'
import type { WantedFile } from './backup-folder.ts'
import type { CapturedFiles } from './captured-files.ts'

/**
 * Everything that control names, and the indexes that are there. Nothing but the open chunk ever changes
 * again, so all others may be shared with the backup.
 * @throws LOWER_UNAVAILABLE, CORRUPT
 */
export async function wantedFiles(
  fs: FileSystem,
  folder: string,
  { control, lengths, lowerPath }: CapturedFiles,
): Promise<WantedFile[]> {
  const wanted: WantedFile[] = []
  const want = (name: string, o: Partial<WantedFile> = {}): void => {
    wanted.push({ name, from: `${folder}/${name}`, ...o })
  }
  for (const volume of control.volumes) wanted.push(...(await filesOfVolume(fs, lowerPath, volume)))
  for (const number of control.volumes.flatMap(({ filters }) => filters)) want(fileName.filter(number))
  for (const { number } of control.segments) {
    want(fileName.segment(number), { isPack: true })
    want(fileName.segmentMap(number))
    want(fileName.segmentIndex(number))
  }
  if (control.checkpoint !== null) want(fileName.checkpoint(control.checkpoint.number))
  for (const [i, { number, length }] of control.chunks.entries()) {
    const index = fileName.chunkIndex(number)
    // A chunk that has just been sealed waits for its index; an opening builds it anew.
    if (length !== null && (await fs.stat(`${folder}/${index}`)) !== undefined) want(index)
    want(fileName.chunk(number), { isPack: true, bytes: length === null ? lengths[i] : undefined })
  }
  return wanted
}

async function filesOfVolume(
  fs: FileSystem,
  lowerPath: string | undefined,
  named: ControlVolume,
): Promise<WantedFile[]> {
  const { id: volume } = named
  const folder = `${lowerPath}/${fileName.volume(volume)}`
  const manifestName = fileName.manifest(named.manifest)
  const { chunks, segments } = await readManifest(fs, lowerPath ?? '', named)
  const packs = [
    ...chunks.map(({ number }) => [fileName.chunk(number), fileName.chunkIndex(number)]),
    ...segments.map(({ number }) => [
      fileName.segment(number),
      fileName.segmentMap(number),
      fileName.segmentIndex(number),
    ]),
  ]
  const file = (name: string, isPack = false): WantedFile => ({
    name,
    volume,
    isPack,
    from: `${folder}/${name}`,
  })
  return [...packs.flatMap((names) => names.map((name, i) => file(name, i === 0))), file(manifestName)]
}

/** The manifest that control means; another one is another volume's. */
async function readManifest(
  fs: FileSystem,
  lowerPath: string,
  named: ControlVolume,
): Promise<VolumeManifest> {
  const file = `${fileName.volume(named.id)}/${fileName.manifest(named.manifest)}`
  const path = `${lowerPath}/${file}`
  let bytes: Buffer
  try {
    bytes = await fs.readFile(path)
  } catch (error) {
    throw new VarveError('LOWER_UNAVAILABLE', { path: lowerPath }, { cause: error })
  }
  const manifest = decodeManifest(bytes, file)
  if (manifestSum(manifest) === named.checksum) return manifest
  throw new VarveError('LOWER_UNAVAILABLE', { path: lowerPath })
}
