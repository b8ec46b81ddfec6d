import { VarveError } from '@varve/pack/errors'
import { decodeControl, decodeManifest } from '@varve/pack/pack'
import { type Finding, problem, type Step, stretch } from '../finding.ts'
import {
  copyAlignment,
  copyHeaderBytes,
  copyLength,
  copyLine,
  payloadBytesMax,
  type Twofold,
} from '../lines/twofold-lines.ts'
import type { Subject } from './subject.ts'
import { damage, gap } from './unproved.ts'

/** Any number of places may begin like a copy; what is read for their sums in all has a bound. */
const SUMMED_BYTES_MAX = 4 * payloadBytesMax
const COPIES = 2

interface FoundCopy {
  readonly position: number
  readonly line: Finding
  readonly bytes: Buffer
}

/** What a reader of the store makes of a file with this copy. @throws CORRUPT, NEWER_FORMAT */
const decoders: { readonly [T in Twofold]: (copy: Buffer, name: string) => unknown } = {
  control: decodeControl,
  manifest: decodeManifest,
}

/** Control. @throws NEWER_FORMAT, when all has been told */
export function readControl(subject: Subject): AsyncGenerator<Step> {
  return readTwofold(subject, 'control')
}

/** The manifest of a volume. @throws NEWER_FORMAT, when all has been told */
export function readManifest(subject: Subject): AsyncGenerator<Step> {
  return readTwofold(subject, 'manifest')
}

/** Its copies, and what lies between them. */
async function* readTwofold(subject: Subject, type: Twofold): AsyncGenerator<Step> {
  const { file, name } = subject
  let told = 0
  let copies = 0
  let newest: FoundCopy | undefined
  for await (const copy of copiesIn(subject, type)) {
    const { position, line, bytes } = copy
    const isGap = copies > 0 && position - told < copyAlignment
    yield* isGap ? gap(file, told, position) : damage(file, { from: told, to: position }, type)
    yield stretch(line, bytes)
    copies++
    told = position + bytes.length
    if (newest === undefined || sequenceOf(copy) > sequenceOf(newest)) newest = copy
  }
  yield* damage(file, { from: told, to: file.size }, type)
  if (copies !== COPIES) yield problem(`${copies} of ${COPIES} copies are whole`)
  if (newest === undefined) return
  try {
    decoders[type](newest.bytes, name)
  } catch (error) {
    if (!VarveError.is(error, 'CORRUPT')) throw error
    yield problem(error.message)
  }
}

async function* copiesIn({ file }: Subject, type: Twofold): AsyncGenerator<FoundCopy> {
  let summed = 0
  let end = 0
  for (let position = 0; position + copyHeaderBytes <= file.size; position += copyAlignment) {
    if (position < end) continue
    const length = copyLength(await file.read(position, copyHeaderBytes), type)
    if (length === undefined || position + length > file.size || summed + length > SUMMED_BYTES_MAX) continue
    summed += length
    const bytes = Buffer.from(await file.read(position, length))
    const line = copyLine(bytes, type)
    if (line === undefined) continue
    yield { position, line, bytes }
    end = position + length
  }
}

function sequenceOf({ line }: FoundCopy): number {
  return line['sequence'] as number
}
