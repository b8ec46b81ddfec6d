/**
 * The control file: what makes up a store, and the one step in which that changes. Everything that it names
 * must be durable before it is replaced.
 */
export { type DecodedControl, decodeControl, encodeControl } from './control-codec.ts'
export { readControl, replaceControl } from './control-file.ts'
export {
  type ControlCheckpoint,
  type ControlChunk,
  type ControlSegment,
  type ControlState,
  type ControlTarget,
  type ControlVolume,
  firstControl,
  namedFiles,
} from './control-state.ts'
export { InvalidPayload, PayloadFields } from './payload-field.ts'
export { encodeTwofold, wholeCopies } from './twofold.ts'
