/** Chunks that have no index yet, because their writer has not come to it. */
import { VarveError } from '@varve/pack/errors'
import { type FileSystem, hasCode, readFullySync } from '@varve/pack/fs'
import { fileName } from '@varve/pack/layout'
import { type ControlState, decodeIndexHeader, indexBacklogMax, indexSections } from '@varve/pack/pack'

const headerBytes = 4096

/**
 * Numbers of the chunks whose index is not there, or not all of it: it is written under its own name.
 * @throws NEWER_FORMAT, and what the file system throws
 */
export async function unindexedChunks(
  fs: FileSystem,
  folder: string,
  { chunks }: ControlState,
): Promise<number[]> {
  const names = new Set(await fs.list(folder))
  const unindexed: number[] = []
  for (const { number } of chunks) {
    const name = fileName.chunkIndex(number)
    if (!names.has(name) || (await isUnfinished(fs, folder, name))) unindexed.push(number)
  }
  return unindexed
}

/**
 * Numbers of the chunks that a writer may have left without an index when it closed: the newest ones, for
 * which there is no such file. The next opening for writing builds it.
 * @throws what the file system throws
 */
export async function chunksLeftUnindexed(
  fs: FileSystem,
  folder: string,
  { chunks }: ControlState,
): Promise<number[]> {
  const names = new Set(await fs.list(folder))
  const sealed = chunks.filter(({ length }) => length !== null).map(({ number }) => number)
  const last = sealed.findLastIndex((number) => names.has(fileName.chunkIndex(number)))
  return sealed.slice(Math.max(last + 1, sealed.length - indexBacklogMax))
}

/** Whether it ends before its header says. One that is damaged otherwise is not unfinished. */
async function isUnfinished(fs: FileSystem, folder: string, name: string): Promise<boolean> {
  try {
    const handle = await fs.open(`${folder}/${name}`, 'read')
    try {
      const size = handle.sizeSync()
      if (size < headerBytes) return true
      const bytes = Buffer.alloc(headerBytes)
      readFullySync(handle, bytes, 0, headerBytes, 0)
      const { sections } = decodeIndexHeader(bytes, name)
      return indexSections.some((section) => size < sections[section].position + sections[section].length)
    } finally {
      await handle.close()
    }
  } catch (error) {
    // Gone since it was listed, with its chunk: whether that is so is asked when the check misses it.
    if (hasCode(error, 'ENOENT') || VarveError.is(error, 'CORRUPT')) return false
    throw error
  }
}
