import { join } from 'node:path'
import type { FileSystem } from '@varve/pack/fs'
import { classifyFile, fileName } from '@varve/pack/layout'
import type { CollectJob } from './collect-job.ts'

/** Kinds of file that a collection makes. */
const madeKinds: ReadonlySet<string> = new Set([
  'segment',
  'segment-map',
  'segment-index',
  'checkpoint',
  'spill',
  'filter',
])

/**
 * Deletes what an unfinished collection has left: files of the kinds it makes, with numbers that are its own.
 * One that cannot be deleted stays behind as a leftover, which nothing names and the next opening for writing
 * deletes. In the volume being written, only those go that no later collection would write anew under the
 * same name; it may be away.
 */
export async function removeJobFiles(
  fs: FileSystem,
  job: Pick<CollectJob, 'dir' | 'fileNumbers' | 'previous'>,
  which: (kind: string) => boolean = () => true,
): Promise<void> {
  const { dir, previous, fileNumbers } = job
  const volume = previous.lower?.volumes.at(-1)
  const folders = [dir]
  if (volume !== undefined) folders.push(join(previous.lower?.path ?? '', fileName.volume(volume.id)))
  for (const folder of folders) {
    const names = await fs.list(folder).catch(() => [])
    for (const name of names) {
      const file = classifyFile(name)
      if (!('number' in file) || !madeKinds.has(file.kind) || !which(file.kind)) continue
      if (file.number < fileNumbers.from || file.number >= fileNumbers.to) continue
      await fs.remove(join(folder, name)).catch(() => {})
    }
  }
}
