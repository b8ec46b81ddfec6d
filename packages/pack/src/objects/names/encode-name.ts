/**
 * Keys as names. Any text, or any bytes, gets one legal name:
 *
 * - A legal name that is text and does not begin with '%' stays as it is.
 * - Everything else becomes '%' followed by the key, in which stand `%25` for '%', `%2F` for '/', `%00` for
 * NUL, `%80` to
 *   `%FF` for a byte that is not part of UTF-8, and `%uD800` to `%uDFFF` for other lone surrogates. So '' is
 *   '%', '..'
 *   is '%..', 'a/b' is '%a%2Fb', '50%' is '50%', and '%' is '%%25'.
 * - If that is longer than 1,023 bytes, it is cut to at most 956, and `%h` and the SHA-256 of the whole
 * follow in hex.
 *   Such a name still stands for one key, but nothing can be got back from it: a name cannot hold more than
 *   its bytes.
 *
 * Different keys have different names. Names of keys that are legal names and text sort as the keys do,
 * because a character is only ever replaced by something that begins with itself. In a key of bytes those
 * that are no UTF-8 count as U+DC80 to U+DCFF, one each, and that is how they come back.
 */
import { isUtf8 } from 'node:buffer'
import { VarveError } from '../../errors/index.ts'
import { sha256 } from '../content-hash.ts'
import { rawToHex } from '../raw-hash.ts'
import { isLegalName, nameSizeMax, toRawName } from './raw-name.ts'

const marker = '%'
const hashMark = '%h'
/** With the flag `u`, surrogates that have their partner are no surrogates. */
const loneSurrogate = /\p{Surrogate}/u
const hashedHeadMax = nameSizeMax - marker.length - hashMark.length - 64

/** The legal name that stands for a key of any kind and length. */
export function encodeName(key: string | Uint8Array): string {
  const text = typeof key === 'string' ? key : textOf(key)
  if (!text.startsWith(marker) && !loneSurrogate.test(text) && isLegalName(toRawName(text))) return text
  const tokens = Array.from(text, tokenOf)
  const whole = marker + tokens.join('')
  return Buffer.byteLength(whole) <= nameSizeMax ? whole : shortened(tokens)
}

/**
 * The key that a name stands for, as text.
 * @throws INVALID_PATH for a name that `encodeName` does not make, and for one that was shortened.
 */
export function decodeName(name: string): string {
  if (!name.startsWith(marker)) return encodeName(name) === name ? name : refuse(name, 'it is no legal name')
  if (name.includes(hashMark, marker.length))
    return refuse(name, 'it was shortened: keep keys of this length in the value as well')
  const text = name
    .slice(1)
    .replace(/%(25|2F|00|[89A-F][0-9A-F]|uD[89A-F][0-9A-F]{2}|)/g, (_, code: string) => {
      if (code === '') return refuse(name, "a '%' in it begins none of the known codes")
      if (code.startsWith('u')) return String.fromCharCode(Number.parseInt(code.slice(1), 16))
      const byte = Number.parseInt(code, 16)
      return String.fromCharCode(byte < 0x80 ? byte : 0xdc00 + byte)
    })
  return encodeName(text) === name ? text : refuse(name, 'encodeName does not make it')
}

function refuse(name: string, why: string): never {
  throw new VarveError('INVALID_PATH', { path: name, hint: `this name stands for no key: ${why}` })
}

/** How a character of the key is written behind the marker. */
function tokenOf(character: string): string {
  const code = character.charCodeAt(0)
  if (code === 0) return '%00'
  if (character === '%' || character === '/') return character === '%' ? '%25' : '%2F'
  // A surrogate that stands alone: with its partner it would be one character of two units.
  if (character.length > 1 || code < 0xd800 || code > 0xdfff) return character
  if (code >= 0xdc80 && code <= 0xdcff) return `%${hex(code - 0xdc00)}`
  return `%u${hex(code)}`
}

function shortened(tokens: readonly string[]): string {
  const whole = Buffer.from(tokens.join(''))
  let head = marker
  let size = 0
  for (const token of tokens) {
    size += Buffer.byteLength(token)
    if (size > hashedHeadMax) break
    head += token
  }
  return head + hashMark + rawToHex(sha256(whole, 0, whole.length))
}

/** Bytes as text: UTF-8, with U+DC80 to U+DCFF for bytes that are not part of it. */
function textOf(bytes: Uint8Array): string {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (isUtf8(buffer)) return buffer.toString('utf8')
  let text = ''
  for (let i = 0; i < buffer.length; ) {
    const size = sequenceSize(buffer, i)
    text += size === 0 ? String.fromCharCode(0xdc00 + buffer[i]!) : buffer.toString('utf8', i, i + size)
    i += Math.max(1, size)
  }
  return text
}

/** Size of the UTF-8 sequence that starts at `at`; 0 when none does. */
function sequenceSize(buffer: Buffer, at: number): number {
  const lead = buffer[at]!
  const size = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4
  return at + size <= buffer.length && isUtf8(buffer.subarray(at, at + size)) ? size : 0
}

function hex(value: number): string {
  return value.toString(16).toUpperCase().padStart(2, '0')
}
