import { VarveError } from '@varve/pack/errors'
import { type FileSystem, hasCode } from '@varve/pack/fs'
import { fileName } from '@varve/pack/layout'
import { type ControlChunk, type ControlState, type RecoveredChunk, recoverChunk } from '@varve/pack/pack'

/** Where the open chunk of a store ends. */
export interface OpenTail {
  /** Of the chunk that counts, in bytes. */
  readonly length: number
  /** `undefined`: the file's header is damaged, or not all of it can be read; then all of it counts. */
  readonly recovered: RecoveredChunk | undefined
}

/** @throws NEWER_FORMAT, and what the file system throws */
export async function openTail(fs: FileSystem, folder: string, control: ControlState): Promise<OpenTail> {
  const { number, base } = control.chunks.at(-1) as ControlChunk
  const storeId = Buffer.from(control.storeId, 'hex')
  try {
    const place = { fs, folder, storeId, number, base }
    const recovered = await recoverChunk({ ...place, mode: 'read', onRecord: () => {} })
    return { length: recovered.end - base, recovered }
  } catch (error) {
    // What the disk does not give the check of the file itself comes upon.
    if (!VarveError.is(error, 'CORRUPT') && !hasCode(error, 'EIO')) throw error
    const size = (await fs.stat(`${folder}/${fileName.chunk(number)}`))?.size ?? 0
    return { length: size, recovered: undefined }
  }
}
