/** `backup`: the store's own files in another folder, where they open as they are. */
import { listenerOf, throwIfAborted, VarveError } from '@varve/pack/errors'
import { type FileSystem, hasCode } from '@varve/pack/fs'
import { fileName } from '@varve/pack/layout'
import type { WithProgress } from '../api/index.ts'
import { BackupFolder, type WantedFile } from './backup-folder.ts'
import { captureFiles, outdatedFailure } from './captured-files.ts'
import type { CopiesParts } from './store-copies.ts'
import { asTargetFailure } from './target-folder.ts'
import { wantedFiles } from './wanted-files.ts'

/** A collection may replace files that are about to be linked; then the backup goes on with the new ones. */
const ATTEMPTS_MAX = 16

export async function backUp(
  parts: CopiesParts,
  dir: string,
  o: WithProgress,
  signal: AbortSignal,
): Promise<void> {
  const { fs, folder } = parts
  throwIfAborted(signal)
  const target = await opened(BackupFolder.open(fs, { dir, storeId: parts.storeId() }), dir)
  try {
    for (let attempt = 1; ; attempt++) {
      const captured = await captureFiles(parts)
      try {
        await putAll(fs, target, await wantedFiles(fs, folder, captured), o, signal)
        throwIfAborted(signal)
        await target.switchTo(captured.control)
        return
      } catch (error) {
        if (!VarveError.is(error, 'CORRUPT')) throw error
        const failure = await outdatedFailure(parts, captured, error)
        if (failure !== undefined) throw failure
        if (attempt === ATTEMPTS_MAX) throw error
      } finally {
        captured.space.release()
      }
    }
  } catch (error) {
    await target.discard()
    throw asTargetFailure(error, dir)
  }
}

async function opened(folder: Promise<BackupFolder>, dir: string): Promise<BackupFolder> {
  try {
    return await folder
  } catch (error) {
    throw asTargetFailure(error, dir)
  }
}

async function putAll(
  fs: FileSystem,
  target: BackupFolder,
  wanted: readonly WantedFile[],
  o: WithProgress,
  signal: AbortSignal,
): Promise<void> {
  const total = wanted.length
  const onProgress = listenerOf(o.onProgress)
  let [done, bytesDone] = [0, 0]
  for (const file of wanted) {
    throwIfAborted(signal)
    bytesDone += await putOne(fs, target, file, signal)
    done++
    onProgress({ phase: 'files', done, total, bytesDone, etaMs: undefined })
  }
}

/** A file that is gone: the store is damaged, or has switched to others. */
async function putOne(
  fs: FileSystem,
  target: BackupFolder,
  file: WantedFile,
  signal: AbortSignal,
): Promise<number> {
  try {
    return await target.put(file, signal)
  } catch (error) {
    if (!hasCode(error, 'ENOENT') || (await fs.stat(file.from)) !== undefined) throw error
    const { name, volume } = file
    const shown = volume === undefined ? name : `${fileName.volume(volume)}/${name}`
    throw new VarveError(
      'CORRUPT',
      { file: shown, offset: 0 },
      { message: `${shown} is missing`, cause: error },
    )
  }
}
