import { loadXxh64 } from '@varve/pack/base'
import { CommandFailure } from '../terminal/index.ts'
import { LineBuilder } from './lines/line-builder.ts'
import { LineFields, UnbuildableLine } from './lines/line-fields.ts'

/** A copy of control is one line; no other comes near it. */
const LINE_BYTES_MAX = 256 * 1024 * 1024
const NEWLINE = 10

/**
 * The bytes of the file of which `inspect --json` printed these lines. Lines without a position are notes,
 * and passed over.
 * @throws CommandFailure USAGE for anything else than all its lines in their order, also when some of the
 * bytes have come already
 */
export async function* rebuiltFile(text: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  await loadXxh64()
  const builder = new LineBuilder()
  let size: number | undefined
  let position = 0
  let number = 0
  for await (const line of linesOf(text)) {
    number++
    const bytes = told(number, () => {
      const value = JSON.parse(line) as unknown
      const fields = LineFields.of(value)
      if (size === undefined) {
        if (fields.text('type') !== 'inspected')
          throw new UnbuildableLine('a line of type "inspected" comes first')
        size = fields.integer('size')
        return undefined
      }
      if (!fields.has('position')) return undefined
      if (fields.integer('position') !== position) {
        throw new UnbuildableLine(`bytes from ${position} on are needed here`)
      }
      return builder.build(value)
    })
    if (bytes === undefined) continue
    position += bytes.length
    yield bytes
  }
  if (position === size) return
  const missing = size === undefined ? 'there are no lines' : `${position} of ${size} bytes are told`
  throw new CommandFailure('USAGE', `this is not all that inspect --json printed: ${missing}`)
}

function told<T>(number: number, work: () => T): T {
  try {
    return work()
  } catch (cause) {
    if (!(cause instanceof UnbuildableLine) && !(cause instanceof SyntaxError)) throw cause
    throw new CommandFailure('USAGE', `line ${number} is not what inspect --json prints: ${cause.message}`, {
      cause,
    })
  }
}

async function* linesOf(text: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  let parts: Uint8Array[] = []
  let length = 0
  for await (const piece of text) {
    let from = 0
    for (let end = piece.indexOf(NEWLINE); end >= 0; end = piece.indexOf(NEWLINE, from)) {
      parts.push(piece.subarray(from, end))
      yield Buffer.concat(parts).toString('utf8')
      parts = []
      length = 0
      from = end + 1
    }
    parts.push(piece.subarray(from))
    length += piece.length - from
    if (length > LINE_BYTES_MAX)
      throw new CommandFailure('USAGE', 'a line is longer than any that inspect prints')
  }
  if (length > 0) yield Buffer.concat(parts).toString('utf8')
}
