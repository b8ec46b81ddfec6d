/** Bytes that Git takes for text, in whatever encoding. */
import { isUtf8 as isUtf8Bytes } from 'node:buffer'

export function isUtf8(bytes: Uint8Array): boolean {
  return isUtf8Bytes(bytes)
}

/**
 * As text for people: in the encoding that is named, if this Node.js knows it; else as UTF-8 if it is that;
 * else as Latin-1, which never fails. Not reversible.
 */
export function decodeText(bytes: Uint8Array, encoding?: string): string {
  if (encoding !== undefined) {
    const decoder = decoderFor(encoding)
    if (decoder !== undefined) return decoder.decode(bytes)
  }
  return isUtf8(bytes) ? utf8.decode(bytes) : Buffer.from(bytes).toString('latin1')
}

/** Keeps a byte order mark: it is part of the text. */
const utf8 = new TextDecoder('utf-8', { ignoreBOM: true })

function decoderFor(encoding: string): InstanceType<typeof TextDecoder> | undefined {
  try {
    return new TextDecoder(encoding, { ignoreBOM: true })
  } catch (cause) {
    // A label that the platform does not know is an ordinary thing in old histories.
    if (cause instanceof RangeError) return undefined
    throw cause
  }
}
