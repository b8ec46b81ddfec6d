import { join } from 'node:path'
import type { FileSystem } from './file-system.ts'
import { hasCode } from './has-code.ts'
import { writeFully } from './write-fully.ts'

/**
 * Puts a small file in the place of another in one step: after a crash at any moment the name stands for the
 * old bytes or for the new ones, whole. The order is everything: write a temporary file, sync it, rename it,
 * sync the folder.
 *
 * The temporary file is `<name>.tmp`; one that a crash left behind is removed. One caller at a time for each
 * name.
 * @throws what the file system throws. Before the rename the temporary file is removed again and the old file
 * stays; if syncing the folder fails, nobody knows which of the two a crash would leave.
 */
export async function atomicReplace(
  fileSystem: FileSystem,
  folder: string,
  name: string,
  bytes: Buffer,
): Promise<void> {
  const path = join(folder, name)
  const temporary = `${path}.tmp`
  await removeIfThere(fileSystem, temporary)
  try {
    await writeNewFile(fileSystem, temporary, bytes)
    await fileSystem.rename(temporary, path)
  } catch (error) {
    // The first failure is the one to tell; a temporary file that stays is removed by the next replacement.
    await removeIfThere(fileSystem, temporary).catch(() => undefined)
    throw error
  }
  await fileSystem.syncFolder(folder)
}

/** A whole new file, its bytes durable, its name not yet. */
async function writeNewFile(fileSystem: FileSystem, path: string, bytes: Buffer): Promise<void> {
  const handle = await fileSystem.open(path, 'create')
  try {
    await writeFully(handle, bytes, 0, bytes.length, 0)
    await handle.sync()
  } finally {
    await handle.close()
  }
}

async function removeIfThere(fileSystem: FileSystem, path: string): Promise<void> {
  try {
    await fileSystem.remove(path)
  } catch (error) {
    if (!hasCode(error, 'ENOENT')) throw error
  }
}
