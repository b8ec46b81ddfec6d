import { join } from 'node:path'
import type { FileSystem } from '@varve/pack/fs'
import { classifyFile } from '@varve/pack/layout'
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
 * deletes.
 */
export async function removeJobFiles(
  fs: FileSystem,
  job: Pick<CollectJob, 'dir' | 'fileNumbers'>,
  which: (kind: string) => boolean = () => true,
): Promise<void> {
  const names = await fs.list(job.dir).catch(() => [])
  for (const name of names) {
    const file = classifyFile(name)
    if (!('number' in file) || !madeKinds.has(file.kind) || !which(file.kind)) continue
    if (file.number < job.fileNumbers.from || file.number >= job.fileNumbers.to) continue
    await fs.remove(join(job.dir, name)).catch(() => {})
  }
}
