/** One volume folder by itself, wherever it lies: what its manifest lists, and whether all of it is there. */
import { basename } from 'node:path'
import { loadXxh64, systemClock } from '@varve/pack/base'
import { checkOptions, VarveError } from '@varve/pack/errors'
import { type FileSystem, NodeFileSystem } from '@varve/pack/fs'
import { classifyFile, fileName } from '@varve/pack/layout'
import { decodeManifest, type VolumeManifest } from '@varve/pack/pack'
import { type CheckFinding, type CheckOptions, type CheckReport, checkRules } from '../api/index.ts'
import { openFailure } from '../opening/index.ts'
import type { CheckFolderParts } from './check-folder.ts'
import { runCheck } from './check-run.ts'
import { damagedCopy } from './volume-layers.ts'

/**
 * The newest whole manifest in a volume's folder. The store's control file says which one counts: here the
 * newest must do.
 * @throws NO_STORE when there is none, CORRUPT when none is whole, NEWER_FORMAT, READ_ONLY_FOLDER
 */
export async function readVolume(
  path: string,
  fs: FileSystem = new NodeFileSystem(),
): Promise<VolumeManifest> {
  await loadXxh64()
  try {
    return (await newestManifest(fs, path)).manifest
  } catch (error) {
    throw openFailure(error, path)
  }
}

/**
 * Checks a volume's folder alone, as `checkFolder` checks a store: every file that its manifest lists, and
 * that every reference leads to an object in it.
 * @throws as `readVolume`, and as `checkFolder`
 */
export async function checkVolume(
  path: string,
  o: CheckOptions = {},
  parts: Omit<CheckFolderParts, 'lower'> = {},
): Promise<CheckReport> {
  checkOptions(o, checkRules)
  const { fileSystem: fs = new NodeFileSystem(), where, clock = systemClock } = parts
  await loadXxh64()
  const { found, folder } = await manifestOf(fs, path)
  const { storeId, chunks, segments } = found.manifest
  const findings = found.damage.map((finding) => ({
    ...finding,
    file: `${basename(folder)}/${finding.file}`,
  }))
  const layer = { folder, prefix: `${basename(folder)}/`, storeId, chunks, unindexed: [], segments }
  const hold = async () => ({
    ...{ layers: [layer], filters: [], findings, controlFolder: undefined, hasVolumesAway: false },
    isCurrent: () => true,
    release: () => {},
  })
  try {
    return (await runCheck({ fs, where, clock, hold, others: async () => [] }, o)).report
  } catch (error) {
    throw openFailure(error, path)
  }
}

interface FoundManifest {
  readonly manifest: VolumeManifest
  /** Of it, and of newer ones that are not whole. */
  readonly damage: readonly CheckFinding[]
}

async function manifestOf(
  fs: FileSystem,
  path: string,
): Promise<{ readonly found: FoundManifest; readonly folder: string }> {
  try {
    return { found: await newestManifest(fs, path), folder: await fs.realPath(path) }
  } catch (error) {
    throw openFailure(error, path)
  }
}

async function newestManifest(fs: FileSystem, folder: string): Promise<FoundManifest> {
  const sequences = (await fs.list(folder))
    .map(classifyFile)
    .flatMap((file) => (file.kind === 'manifest' ? [file.number] : []))
    .sort((a, b) => b - a)
  const damage: CheckFinding[] = []
  let newest: VarveError | undefined
  for (const sequence of sequences) {
    const file = fileName.manifest(sequence)
    const bytes = await fs.readFile(`${folder}/${file}`)
    try {
      const manifest = decodeManifest(bytes, file)
      return { manifest, damage: [...damage, ...damagedCopy(bytes, manifest, file)] }
    } catch (error) {
      if (!VarveError.is(error, 'CORRUPT')) throw error
      const what = 'it is damaged, or an archive came to nothing: what it added was not checked'
      damage.push({ severity: 'warning', file, offset: error.details.offset, what, repairable: false })
      newest ??= error
    }
  }
  const message = `${folder} is no volume: there is no manifest in it`
  throw newest ?? new VarveError('NO_STORE', { path: folder }, { message })
}
