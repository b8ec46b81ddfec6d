/** Text from a store, made fit for a line: it may hold anything, also commands to a terminal. */

/** Control characters, and what the name's bytes became where they were no UTF-8. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const ODD = /[\u0000-\u001f\u007f-\u009f\ufffd"\\]/
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const CONTROL = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g

/**
 * A name as it is; in double quotes with escapes, as in C, when it could not be told apart or would break the
 * line.
 */
export function shownName(bytes: Uint8Array): string {
  const text = utf8.decode(bytes)
  if (!ODD.test(text)) return text
  let quoted = ''
  for (const byte of bytes)
    quoted += escapes.get(byte) ?? (isPrintable(byte) ? String.fromCharCode(byte) : octal(byte))
  return `"${quoted}"`
}

/** Lines of text for a terminal, without its commands. */
export function shownLines(text: string): string {
  return text.replace(CONTROL, '\ufffd')
}

/** The first line of a message. */
export function firstLine(text: string): string {
  const end = text.indexOf('\n')
  return shownLines(end < 0 ? text : text.slice(0, end)).replaceAll('\t', ' ')
}

const utf8 = new TextDecoder('utf-8', { ignoreBOM: true })

const escapes: ReadonlyMap<number, string> = new Map([
  [7, '\\a'],
  [8, '\\b'],
  [9, '\\t'],
  [10, '\\n'],
  [11, '\\v'],
  [12, '\\f'],
  [13, '\\r'],
  [34, '\\"'],
  [92, '\\\\'],
])

function isPrintable(byte: number): boolean {
  return byte >= 0x20 && byte < 0x7f
}

function octal(byte: number): string {
  return `\\${byte.toString(8).padStart(3, '0')}`
}
