/** `backup`: the store's own files in another folder, where they open as they are. */
import { listenerOf, throwIfAborted } from '@varve/pack/errors'
import { type FileSystem, hasCode } from '@varve/pack/fs'
import { fileName } from '@varve/pack/layout'
import type { WithProgress } from '../api/index.ts'
import { BackupFolder, type WantedFile } from './backup-folder.ts'
import { type CapturedFiles, captureFiles } from './captured-files.ts'
import type { CopiesParts } from './store-copies.ts'
import { asTargetFailure } from './target-folder.ts'

/** A collection may replace files that are about to be linked; then the backup goes on with the new ones. */
const ATTEMPTS_MAX = 16

export async function backUp(
  parts: CopiesParts,
  dir: string,
  o: WithProgress,
  signal: AbortSignal,
): Promise<void> {
  const { files, settledEnd, clock, fs, folder, storeId } = parts
  throwIfAborted(signal)
  const target = await opened(BackupFolder.open(fs, { dir, source: folder, storeId }), dir)
  try {
    for (let attempt = 1; ; attempt++) {
      const captured = await captureFiles(files, settledEnd, () => clock.turn())
      try {
        await putAll(target, await wantedFiles(fs, folder, captured), o, signal)
        throwIfAborted(signal)
        await target.switchTo(captured.control)
        return
      } catch (error) {
        const isOutdated = hasCode(error, 'ENOENT') && files.epoch !== captured.space.epoch
        if (!isOutdated || attempt === ATTEMPTS_MAX) throw error
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
    bytesDone += await target.put(file, signal)
    done++
    onProgress({ phase: 'files', done, total, bytesDone, etaMs: undefined })
  }
}

/**
 * Everything that control names, and the indexes that are there. Nothing but the open chunk ever changes
 * again, so all others may be shared with the backup.
 */
async function wantedFiles(
  fs: FileSystem,
  folder: string,
  { control, lengths }: CapturedFiles,
): Promise<WantedFile[]> {
  const { checkpoint } = control
  const wanted: WantedFile[] = []
  for (const { number } of control.segments) {
    wanted.push({ name: fileName.segment(number), isPack: true })
    wanted.push({ name: fileName.segmentMap(number) })
    wanted.push({ name: fileName.segmentIndex(number) })
  }
  if (checkpoint !== null) wanted.push({ name: fileName.checkpoint(checkpoint.number) })
  for (const [i, { number, length }] of control.chunks.entries()) {
    const index = fileName.chunkIndex(number)
    // A chunk that has just been sealed waits for its index; an opening builds it anew.
    const isIndexed = length !== null && (await fs.stat(`${folder}/${index}`)) !== undefined
    if (isIndexed) wanted.push({ name: index })
    const bytes = length === null ? (lengths[i] as number) : undefined
    wanted.push({ name: fileName.chunk(number), isPack: true, bytes })
  }
  return wanted
}
