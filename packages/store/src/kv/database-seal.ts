/**
 * The sums of a database's files, left beside them when it is closed. LevelDB reads its tables without
 * looking at their checksums and ends the whole process when it stumbles over what it finds there; so files
 * that are not what they were when they were closed are never given to it.
 *
 * After a crash there is no seal, and the files are taken as they are.
 */
import { Xxh64Stream } from '@varve/pack/base'
import { type FileSystem, hasCode, readFully, writeFully } from '@varve/pack/fs'

/** No name that LevelDB makes or removes. */
const sealName = 'sealed'
/** What LevelDB reads when it is opened or asked; not its own notes in LOG. */
const isRead = /^(CURRENT|MANIFEST-\d+|\d+\.(ldb|sst|log))$/
const pieceBytes = 1 << 20

/**
 * Writes the seal of a database that has been closed; `breakSeal` took the last one away. It is not synced:
 * without it nothing is lost.
 */
export async function sealDatabase(fs: FileSystem, folder: string): Promise<void> {
  const path = `${folder}/${sealName}`
  const bytes = Buffer.from(await sumsOf(fs, folder))
  const handle = await fs.open(path, 'create')
  try {
    await writeFully(handle, bytes, 0, bytes.length, 0)
  } finally {
    await handle.close()
  }
}

/**
 * Takes the seal away, as the database is about to change. False: its files are not those that were sealed.
 * @throws what the file system throws
 */
export async function breakSeal(fs: FileSystem, folder: string): Promise<boolean> {
  const path = `${folder}/${sealName}`
  const found = await readIfThere(fs, path)
  if (found === undefined) return true
  const isWhole = found.toString('latin1') === (await sumsOf(fs, folder))
  await fs.remove(path)
  return isWhole
}

/** A line a file: name, size, sum. The last line says that it is the last. */
async function sumsOf(fs: FileSystem, folder: string): Promise<string> {
  const names = (await fs.list(folder)).filter((name) => isRead.test(name))
  const lines: string[] = []
  for (const name of names) lines.push(`${name} ${await sumOf(fs, `${folder}/${name}`)}\n`)
  return `${lines.join('')}end\n`
}

async function sumOf(fs: FileSystem, path: string): Promise<string> {
  const handle = await fs.open(path, 'read')
  try {
    const sum = new Xxh64Stream(0)
    const size = await handle.size()
    const piece = Buffer.allocUnsafeSlow(Math.min(size, pieceBytes))
    for (let at = 0; at < size; ) {
      const length = await readFully(handle, piece, 0, Math.min(piece.length, size - at), at)
      if (length === 0) break
      sum.update(piece, 0, length)
      at += length
    }
    return `${size} ${sum.digest().toString(16)}`
  } finally {
    await handle.close()
  }
}

async function readIfThere(fs: FileSystem, path: string): Promise<Buffer | undefined> {
  try {
    return await fs.readFile(path)
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined
    throw error
  }
}
