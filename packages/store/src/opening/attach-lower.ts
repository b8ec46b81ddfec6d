/** The lower layer at opening: attached to a store that has none, or found where it is now. */
import { dirname, isAbsolute, join, relative, sep } from 'node:path'
import { VarveError } from '@varve/pack/errors'
import { type FileSystem, FolderOpener, hasCode, LazyDirectory } from '@varve/pack/fs'
import { classifyFile, fileName, storeFormat, volumeIdMax } from '@varve/pack/layout'
import {
  type ControlState,
  type ControlVolume,
  emptyManifest,
  encodeManifest,
  readManifest,
  volumeOf,
  writeNewFile,
} from '@varve/pack/pack'

/** Numbers of volumes that other stores may take one after another while one is looked for. */
const attemptsMax = 64

/** Where the caller says that the lower layer is. */
export interface LowerOption {
  /** Absolute. */
  readonly path: string
  /** What an opening does when volumes that control names cannot be read. */
  readonly missing: 'refuse' | 'read-upper-only'
}

interface Place {
  readonly fs: FileSystem
  readonly folder: string
  /** New random bytes. */
  readonly random: (size: number) => Buffer
}

/**
 * Control as it is to be written at this opening: with the lower layer that the caller names. A store without
 * one gets its first volume, whose files are durable before control names them.
 * @throws LOWER_UNAVAILABLE when the folder cannot be made; OPTION_MISMATCH when there are volumes and nobody
 * says where
 */
export async function withLower(
  place: Place,
  control: ControlState,
  option: LowerOption | undefined,
): Promise<ControlState> {
  if (option === undefined) {
    if (control.volumes.length > 0 && control.lower === null) throw nowhere()
    return control
  }
  const lower = (await pathInside(place, option.path)) ?? option.path
  if (control.volumes.length > 0) {
    if (option.missing === 'refuse') assertVolumesThere(place.fs, option.path, control)
    return { ...control, lower }
  }
  const volume = await createVolume(place, option.path, control)
  return { ...control, format: storeFormat.layered, lower, volumes: [volume] }
}

/**
 * Before anything is made for a new store: that its lower layer may be there, and that no file is in the way.
 * @throws LOWER_UNAVAILABLE, OPTION_MISMATCH
 */
export async function assertLowerFits(fs: FileSystem, folder: string, path: string): Promise<void> {
  await pathInside({ fs, folder: await realPath(fs, folder) }, path)
  try {
    let at = path
    let stat = await fs.stat(at)
    for (; stat === undefined; stat = await fs.stat(at)) at = dirname(at)
    if (stat.kind !== 'folder') throw notMade(path, `${at} is no folder`)
  } catch (cause) {
    if (!(cause instanceof Error && 'syscall' in cause)) throw cause
    throw notMade(path, cause.message, cause)
  }
}

/**
 * Makes the folder of the next volume, empty, and makes it durable; control does not name it yet. Its id is
 * one that no volume in that folder has, of whatever store.
 * @throws LOWER_UNAVAILABLE, OPTION_MISMATCH when there is no number left
 */
export async function createVolume(
  { fs, random }: Pick<Place, 'fs' | 'random'>,
  path: string,
  control: ControlState,
): Promise<ControlVolume> {
  try {
    const parents: string[] = []
    for (let made = path; (await fs.stat(made)) === undefined; made = dirname(made))
      parents.push(dirname(made))
    await fs.mkdir(path)
    for (const parent of parents) await fs.syncFolder(parent)
    for (let attempt = 1; ; attempt++) {
      try {
        return await createFolder({ fs, random }, path, control)
      } catch (error) {
        // Another store was faster to take that number.
        if (attempt === attemptsMax || !hasCode(error, 'EEXIST')) throw error
      }
    }
  } catch (cause) {
    if (!(cause instanceof Error && 'syscall' in cause)) throw cause
    throw notMade(path, cause.message, cause)
  }
}

async function createFolder(
  { fs, random }: Pick<Place, 'fs' | 'random'>,
  path: string,
  control: ControlState,
): Promise<ControlVolume> {
  const id = nextId(await fs.list(path), control)
  const manifest = emptyManifest({
    ...{ storeId: control.storeId, id, at: control.retire },
    nonce: random(16).toString('hex'),
  })
  const folder = `${path}/${fileName.volume(id)}`
  await fs.mkdir(folder)
  const file = `${folder}/${fileName.manifest(manifest.sequence)}`
  await writeNewFile(fs, file, [encodeManifest(manifest)])
  await fs.syncFolder(folder)
  await fs.syncFolder(path)
  return volumeOf(manifest, [])
}

/**
 * Whether the volume has a manifest that is newer than the one that control names: an archive that came to
 * nothing has left it, or a copy of the store has archived there.
 * @throws LOWER_UNAVAILABLE
 */
export async function hasNewerManifest(fs: FileSystem, path: string, named: ControlVolume): Promise<boolean> {
  try {
    const names = await lowerDirectory(fs, path).list(fileName.volume(named.id))
    return names.map(classifyFile).some((file) => file.kind === 'manifest' && file.number > named.manifest)
  } catch (cause) {
    if (!(cause instanceof Error && 'syscall' in cause)) throw cause
    const message = `The lower layer at ${path} cannot be read: ${cause.message}`
    throw new VarveError('LOWER_UNAVAILABLE', { path }, { message, cause })
  }
}

/** The folder as the rest of the store reaches it. */
export function lowerDirectory(fs: FileSystem, path: string): LazyDirectory {
  return new LazyDirectory(new FolderOpener(fs, path))
}

/** @throws LOWER_UNAVAILABLE, CORRUPT */
function assertVolumesThere(fs: FileSystem, path: string, control: ControlState): void {
  const volumes = { directory: lowerDirectory(fs, path), storeId: Buffer.from(control.storeId, 'hex') }
  for (const named of control.volumes) readManifest(volumes, named)
}

/**
 * The path from the store's folder of one that lies in it, whatever links lead there: it moves with the
 * store.
 * @throws OPTION_MISMATCH when something else belongs there
 */
async function pathInside(
  { fs, folder }: Pick<Place, 'fs' | 'folder'>,
  path: string,
): Promise<string | undefined> {
  const inside = relative(folder, await realPath(fs, path))
  if (inside === '..' || inside.startsWith(`..${sep}`) || isAbsolute(inside)) return undefined
  if (!isTaken(inside)) return inside
  const message = 'the lower layer needs a folder of its own'
  throw new VarveError('OPTION_MISMATCH', { option: 'lower' }, { message })
}

/** Also of what is not there yet. */
async function realPath(fs: FileSystem, path: string): Promise<string> {
  for (let at = path; at !== dirname(at); at = dirname(at)) {
    const real = await fs.realPath(at).catch(() => undefined)
    if (real !== undefined) return join(real, relative(at, path))
  }
  return path
}

/** Whether something else belongs under that name in the store's folder. */
function isTaken(inside: string): boolean {
  const [first = ''] = inside.split(sep)
  return first === '' || !['unknown', 'volume'].includes(classifyFile(first).kind)
}

function nextId(names: readonly string[], control: ControlState): number {
  let highest = 0
  for (const { id } of control.volumes) highest = Math.max(highest, id)
  for (const name of names) {
    const file = classifyFile(name)
    if (file.kind === 'volume') highest = Math.max(highest, file.number)
  }
  if (highest < volumeIdMax) return highest + 1
  const message = `the lower layer has a folder ${fileName.volume(highest)}: there is no higher number`
  throw new VarveError('OPTION_MISMATCH', { option: 'lower' }, { message })
}

function notMade(path: string, why: string, cause?: Error): VarveError<'LOWER_UNAVAILABLE'> {
  const message = `The lower layer at ${path} cannot be made: ${why}`
  return new VarveError('LOWER_UNAVAILABLE', { path }, { message, cause })
}

function nowhere(): VarveError {
  const message = 'the store has archived content, and nothing says where its lower layer is'
  return new VarveError('OPTION_MISMATCH', { option: 'lower' }, { message })
}
