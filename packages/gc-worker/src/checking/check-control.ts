import { VarveError } from '@varve/pack/errors'
import { type FileSystem, hasCode } from '@varve/pack/fs'
import { fileName } from '@varve/pack/layout'
import { decodeControl, encodeControl } from '@varve/pack/pack'
import type { Findings } from './findings.ts'

/**
 * Both copies of the control file, and the zeros between them: its bytes follow from what it says.
 * @throws NEWER_FORMAT, and what the file system throws
 */
export async function checkControl(fs: FileSystem, folder: string, findings: Findings): Promise<void> {
  const file = fileName.control
  let bytes: Buffer
  try {
    bytes = await fs.readFile(`${folder}/${file}`)
  } catch (error) {
    if (!hasCode(error, 'ENOENT')) throw error
    findings.error(file, 0, 'the file is missing: nothing says which files make up the store', false)
    return
  }
  try {
    const { state, wholeCopies } = decodeControl(bytes)
    const offset = firstDifference(bytes, encodeControl(state))
    if (offset < 0) return
    if (wholeCopies < 2) findings.error(file, offset, 'one of its two copies is damaged', true)
    else findings.warning(file, offset, 'a byte that should be zero is not')
  } catch (error) {
    if (!VarveError.is(error, 'CORRUPT')) throw error
    findings.error(file, error.details.offset, error.message, false)
  }
}

/** -1: they are the same. */
function firstDifference(a: Buffer, b: Buffer): number {
  const shared = Math.min(a.length, b.length)
  for (let i = 0; i < shared; i++) if (a[i] !== b[i]) return i
  return a.length === b.length ? -1 : shared
}
