/**
 * Reads what makes up the store, or makes a new one, and puts a control file of a new writer term in its
 * place. Only when that is synced is it known which control survives, so only after it are leftovers deleted.
 */
import { VarveError } from '@varve/pack/errors'
import type { FileSystem } from '@varve/pack/fs'
import { classifyFile, fileName, highestFileNumber, isLeftover } from '@varve/pack/layout'
import {
  type ControlState,
  createChunkFile,
  type DecodedControl,
  firstControl,
  namedFiles,
  readControl,
  replaceControl,
} from '@varve/pack/pack'
import { type LowerOption, withLower } from './attach-lower.ts'
import { newerChunk } from './newer-chunk.ts'
import { type CreateMode, thereAlready } from './prepare-folder.ts'

export interface TakeControlOptions {
  readonly fs: FileSystem
  readonly folder: string
  /** Another opening may have made the store, or somebody have removed it, since the folder was prepared. */
  readonly create: CreateMode
  /** New random bytes. */
  readonly random: (size: number) => Buffer
  /** The lower layer that the caller names. */
  readonly lower?: LowerOption | undefined
}

export interface TakenControl {
  readonly control: ControlState
  readonly isNew: boolean
  /** One of the two copies in the file was not whole; it is again. */
  readonly wasDamaged: boolean
}

/** @throws CORRUPT, NEWER_FORMAT, NO_STORE, OPTION_MISMATCH, and what the file system throws */
export async function takeControl(o: TakeControlOptions): Promise<TakenControl> {
  const found = await readIfThere(o)
  if (found !== undefined && o.create === 'must') throw thereAlready(o.folder)
  if (found === undefined && o.create === 'never') throw new VarveError('NO_STORE', { path: o.folder })
  const names = await o.fs.list(o.folder)
  if (found !== undefined) await assertIsNewest(o, found.state, names)
  const highest = highestFileNumber(names)
  const control = found === undefined ? await create(o, highest) : await renew(o, found.state, highest)
  return { control, isNew: found === undefined, wasDamaged: found !== undefined && found.wholeCopies < 2 }
}

async function readIfThere(o: TakeControlOptions): Promise<DecodedControl | undefined> {
  try {
    return await readControl(o.fs, o.folder)
  } catch (error) {
    if (VarveError.is(error, 'NO_STORE')) return undefined
    throw error
  }
}

/**
 * An older control in the place of the newest (out of a backup, say) would make leftovers of everything
 * newer, and those are deleted. It shows in files that it names and that are gone, and in a newer chunk.
 * @throws CORRUPT
 */
async function assertIsNewest(
  o: TakeControlOptions,
  control: ControlState,
  names: readonly string[],
): Promise<void> {
  const there = new Set(names)
  for (const file of namesIn(control)) {
    if (there.has(file)) continue
    const message = `${file} is missing, though control names it`
    throw new VarveError('CORRUPT', { file, offset: 0 }, { message })
  }
  const name = await newerChunk(o.fs, o.folder, control, names)
  if (name === undefined) return
  const message = `${name} is newer than control, which does not name it: there was a newer control`
  throw new VarveError('CORRUPT', { file: fileName.control, offset: 0 }, { message })
}

/** Indexes are not among them: they can be made anew. */
function namesIn({ chunks, segments, checkpoint }: ControlState): string[] {
  return [
    ...chunks.map(({ number }) => fileName.chunk(number)),
    ...segments.flatMap(({ number }) => [fileName.segment(number), fileName.segmentMap(number)]),
    ...(checkpoint === null ? [] : [fileName.checkpoint(checkpoint.number)]),
  ]
}

async function create(o: TakeControlOptions, highest: number): Promise<ControlState> {
  const storeId = o.random(16)
  const chunk = { number: highest + 1, base: 0 }
  // What may well fail comes first: then no file of a store is left.
  const control = await withLower(o, firstControl({ storeId: storeId.toString('hex'), chunk }), o.lower)
  const handle = await createChunkFile(o.fs, o.folder, { ...chunk, nonce: o.random(16), storeId })
  await handle.close()
  await o.fs.syncFolder(o.folder)
  await replaceControl(o.fs, o.folder, control)
  return control
}

async function renew(o: TakeControlOptions, found: ControlState, highest: number): Promise<ControlState> {
  const control = {
    ...(await withLower(o, found, o.lower)),
    sequence: found.sequence + 1,
    writerTerm: found.writerTerm + 1,
    fileCounter: Math.max(found.fileCounter, highest),
  }
  await replaceControl(o.fs, o.folder, control)
  return control
}

/**
 * Deletes files of ours that control does not name. Control has been replaced and its folder synced, and
 * everything that it names has been opened: it is the control of this store, and no file but those counts.
 */
export async function removeLeftovers(
  o: { readonly fs: FileSystem; readonly folder: string },
  control: ControlState,
): Promise<void> {
  const named = namedFiles(control)
  for (const name of await o.fs.list(o.folder)) {
    if (isLeftover(classifyFile(name), named)) await o.fs.remove(`${o.folder}/${name}`)
  }
}
