import type { FileSystem } from '@varve/pack/fs'
import { classifyFile } from '@varve/pack/layout'
import { type ControlState, packHeaderSize } from '@varve/pack/pack'

/**
 * The name of a chunk that holds batches and is newer than all that control names: control is an older one,
 * put in the newest's place. Nothing is appended to a chunk before the control that names it is durable.
 * @param names in the store's folder
 */
export async function newerChunk(
  fs: FileSystem,
  folder: string,
  { chunks }: ControlState,
  names: readonly string[],
): Promise<string | undefined> {
  const last = chunks.at(-1)?.number ?? 0
  for (const name of names) {
    const file = classifyFile(name)
    if (file.kind !== 'chunk' || file.number <= last) continue
    if (((await fs.stat(`${folder}/${name}`))?.size ?? 0) > packHeaderSize) return name
  }
  return undefined
}
