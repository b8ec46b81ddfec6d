import { VarveError } from '@varve/pack/errors'
import { type AddressSpace, type ControlState, packHeaderSize, readControl } from '@varve/pack/pack'
import type { CopiesParts } from './store-copies.ts'

/** The files of a store at one moment, and where its log ends in them. */
export interface CapturedFiles {
  /** Held by whoever captured it, until he releases it: its pack files and maps keep their names. */
  readonly space: AddressSpace
  /** What control says of them. The last chunk is open in it, also where it has just been sealed. */
  readonly control: ControlState
  /** The log up to here is durable: the border of a batch. */
  readonly end: number
  /** The folder of the lower layer, absolute, of a store that has one. */
  readonly lowerPath: string | undefined
  /** Bytes of each chunk that count. */
  readonly lengths: readonly number[]
}

/**
 * Captures them, after a sync of the log where this opening may sync it. In between two steps of a switch
 * control and address space may be of two moments: files are named by the address space.
 */
export async function captureFiles(parts: CopiesParts): Promise<CapturedFiles> {
  const { files, clock } = parts
  const end = await parts.settledEnd()
  while (files.control.epoch !== files.epoch) await clock.turn()
  const { space, control } = files
  const lowerPath = parts.lowerPath()
  space.acquire()
  // A chunk that has just been begun lies above the end.
  const held = space.chunks.filter(({ base }, i) => i === 0 || base + packHeaderSize <= end)
  const lengths = held.map((chunk) => Math.max(packHeaderSize, Math.min(chunk.end, end) - chunk.base))
  const chunks = held.map(({ number, base }, i) => {
    return { number, base, length: i === held.length - 1 ? null : (lengths[i] as number) }
  })
  return { space, control: { ...control, chunks }, end, lowerPath, lengths }
}

/**
 * A file was gone that the captured ones name. What the caller is to be told: `undefined` when a collection
 * of this opening has replaced it, so that the next capture has others.
 */
export async function outdatedFailure(
  { files, fs, folder }: CopiesParts,
  captured: CapturedFiles,
  error: unknown,
): Promise<unknown> {
  if (files.epoch !== captured.space.epoch) return undefined
  const newest = await readControl(fs, folder).catch(() => undefined)
  if (newest === undefined || newest.state.epoch === files.epoch) return error
  const message = 'The files of this state went in a collection of the writer: reload, then start again'
  return new VarveError('COLLECTED', {}, { message, cause: error })
}
