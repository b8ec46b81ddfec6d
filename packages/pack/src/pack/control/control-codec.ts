import { VarveError } from '../../errors/index.ts'
import { fileName, magic } from '../../layout/index.ts'
import { checkState, decodePayload, encodePayload } from './control-payload.ts'
import type { ControlState } from './control-state.ts'
import { InvalidPayload } from './payload-field.ts'
import { encodeTwofold, wholeCopies } from './twofold.ts'

/** What a control file says, and whether both copies of it are whole. */
export interface DecodedControl {
  readonly state: ControlState
  readonly wholeCopies: number
}

/**
 * The bytes of a control file; see docs/format.md, "Control".
 * @throws InvalidPayload when the state breaks a rule of the format: a bug of its writer
 */
export function encodeControl(state: ControlState): Buffer {
  checkState(state)
  const { sequence, writerTerm: second } = state
  return encodeTwofold({ magic: magic.control, sequence, second, payload: encodePayload(state) })
}

/**
 * What the newest whole copy says.
 * @throws CORRUPT when there is none, or it says what no writer writes; NEWER_FORMAT
 */
export function decodeControl(bytes: Buffer): DecodedControl {
  const copies = wholeCopies(bytes, magic.control)
  const [newest] = copies
  if (newest === undefined) throw corrupt(0, 'no copy of it is whole')
  try {
    const state = decodePayload(newest.payload)
    if (state.sequence !== newest.sequence || state.writerTerm !== newest.second) {
      throw new InvalidPayload('header and payload say different things')
    }
    return { state, wholeCopies: copies.filter((other) => other.bytes.equals(newest.bytes)).length }
  } catch (error) {
    if (error instanceof InvalidPayload) throw corrupt(newest.start, error.message, error)
    throw error
  }
}

function corrupt(offset: number, what: string, cause?: unknown): VarveError {
  const message = `${fileName.control}: ${what}`
  return new VarveError('CORRUPT', { file: fileName.control, offset }, { message, cause })
}
