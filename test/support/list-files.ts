import type { FileSystem } from '@varve/pack/fs'

/** Every file below a folder, by its path from there, sorted. */
export async function listFiles(fs: FileSystem, folder: string): Promise<string[]> {
  const found: string[] = []
  for (const name of await fs.list(folder)) {
    const stat = await fs.stat(`${folder}/${name}`)
    if (stat?.kind !== 'folder') found.push(name)
    else found.push(...(await listFiles(fs, `${folder}/${name}`)).map((inner) => `${name}/${inner}`))
  }
  return found.sort()
}
