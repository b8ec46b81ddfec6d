/**
 * Reads what makes up the store, or makes a new one, and puts a control file of a new writer term in its
 * place. Only when that is synced is it known which control survives, so only then are leftovers deleted.
 */
import { VarveError } from '@varve/pack/errors'
import type { FileSystem } from '@varve/pack/fs'
import { classifyFile, highestFileNumber, isLeftover, type NamedFiles } from '@varve/pack/layout'
import {
  type ControlState,
  createChunkFile,
  firstControl,
  readControl,
  replaceControl,
} from '@varve/pack/pack'

export interface TakeControlOptions {
  readonly fs: FileSystem
  readonly folder: string
  /** New random bytes. */
  readonly random: (size: number) => Buffer
}

/** @throws CORRUPT, NEWER_FORMAT, and what the file system throws */
export async function takeControl(o: TakeControlOptions): Promise<{ control: ControlState; isNew: boolean }> {
  const found = await readIfThere(o)
  const highest = highestFileNumber(await o.fs.list(o.folder))
  const control = found === undefined ? await create(o, highest) : await renew(o, found, highest)
  await removeLeftovers(o, control)
  return { control, isNew: found === undefined }
}

async function readIfThere(o: TakeControlOptions): Promise<ControlState | undefined> {
  try {
    return (await readControl(o.fs, o.folder)).state
  } catch (error) {
    if (VarveError.is(error, 'NO_STORE')) return undefined
    throw error
  }
}

async function create(o: TakeControlOptions, highest: number): Promise<ControlState> {
  const storeId = o.random(16)
  const chunk = { number: highest + 1, base: 0 }
  const handle = await createChunkFile(o.fs, o.folder, { ...chunk, nonce: o.random(16), storeId })
  await handle.close()
  await o.fs.syncFolder(o.folder)
  const control = firstControl({ storeId: storeId.toString('hex'), chunk })
  await replaceControl(o.fs, o.folder, control)
  return control
}

async function renew(o: TakeControlOptions, found: ControlState, highest: number): Promise<ControlState> {
  const control = {
    ...found,
    sequence: found.sequence + 1,
    writerTerm: found.writerTerm + 1,
    fileCounter: Math.max(found.fileCounter, highest),
  }
  await replaceControl(o.fs, o.folder, control)
  return control
}

async function removeLeftovers(o: TakeControlOptions, control: ControlState): Promise<void> {
  const named: NamedFiles = {
    chunks: new Set(control.chunks.map((chunk) => chunk.number)),
    segments: new Set(control.segments.map((segment) => segment.number)),
    checkpoints: new Set(control.checkpoint === null ? [] : [control.checkpoint.number]),
  }
  for (const name of await o.fs.list(o.folder)) {
    if (isLeftover(classifyFile(name), named)) await o.fs.remove(`${o.folder}/${name}`)
  }
}
