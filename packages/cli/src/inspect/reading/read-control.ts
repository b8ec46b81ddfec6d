import { VarveError } from '@varve/pack/errors'
import { decodeControl } from '@varve/pack/pack'
import { problem, type Step, stretch } from '../finding.ts'
import {
  copyAlignment,
  copyHeaderBytes,
  copyLength,
  copyLine,
  payloadBytesMax,
} from '../lines/control-lines.ts'
import type { Subject } from './subject.ts'
import { damage, gap } from './unproved.ts'

/** Any number of places may begin like a copy; what is read for their sums in all has a bound. */
const SUMMED_BYTES_MAX = 4 * payloadBytesMax
const COPIES = 2

/** Its copies, and what lies between them. @throws NEWER_FORMAT, when all has been told */
export async function* readControl({ file }: Subject): AsyncGenerator<Step> {
  let told = 0
  let copies = 0
  let summed = 0
  let newest: { readonly sequence: unknown; readonly bytes: Buffer } | undefined
  for (let at = 0; at + copyHeaderBytes <= file.size; at += copyAlignment) {
    if (at < told) continue
    const length = copyLength(await file.read(at, copyHeaderBytes))
    if (length === undefined || at + length > file.size || summed + length > SUMMED_BYTES_MAX) continue
    summed += length
    const bytes = await file.read(at, length)
    const line = copyLine(bytes)
    if (line === undefined) continue
    const sequence = line['sequence'] as number
    if (newest === undefined || sequence > (newest.sequence as number)) {
      newest = { sequence, bytes: Buffer.from(bytes) }
    }
    const copy = Buffer.from(bytes)
    const isGap = copies > 0 && at - told < copyAlignment
    yield* isGap ? gap(file, told, at) : damage(file, { from: told, to: at }, 'control')
    yield stretch(line, copy)
    copies++
    told = at + length
  }
  yield* damage(file, { from: told, to: file.size }, 'control')
  if (copies !== COPIES) yield problem(`${copies} of ${COPIES} copies are whole`)
  if (newest !== undefined) yield* verdict(newest.bytes)
}

/** Whether it says what a writer of this format writes. */
async function* verdict(copy: Buffer): AsyncGenerator<Step> {
  try {
    decodeControl(copy)
  } catch (error) {
    if (!VarveError.is(error, 'CORRUPT')) throw error
    yield problem(error.message)
  }
}
