import type { FileSystem } from '@varve/pack/fs'
import { classifyFile, isLeftover } from '@varve/pack/layout'
import { namedFiles, readControl } from '@varve/pack/pack'

/** Names in a store's folder that its control does not account for; the file of an owner is one of them. */
export async function leftovers(disk: FileSystem, folder: string): Promise<string[]> {
  const { state: control } = await readControl(disk, folder)
  const named = namedFiles(control)
  const names = await disk.list(folder)
  return names.filter((name) => {
    const file = classifyFile(name)
    return file.kind === 'unknown' || file.kind === 'lock-owner' || isLeftover(file, named)
  })
}
