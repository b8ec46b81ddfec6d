/**
 * A body breaks the rules of its codec. The codecs know neither file nor offset: whoever read the record
 * catches this and throws CORRUPT with both.
 */
export class MalformedBody extends Error {
  override readonly name = 'MalformedBody'
}

/** @throws MalformedBody saying which rule is broken. */
export function malformed(rule: string): never {
  throw new MalformedBody(`broken rule: ${rule}`)
}

/** @throws MalformedBody unless the condition holds; `rule` says what must hold. */
export function mustHold(condition: boolean, rule: string): asserts condition {
  if (!condition) malformed(rule)
}
