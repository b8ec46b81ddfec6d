import { assert } from '@varve/pack/base'

/** Lies between a space's name and a key; no name contains it. */
const separator = '\0'
/** Follows on the separator, so that it ends a space. */
const afterSeparator = '\x01'
const spacePattern = /^[a-z][a-z0-9-]{0,31}$/

/** The key of the note about the whole database; no space is called so. */
export const noteKey: string = `${separator}note`

/** The key under which the database keeps a space's key. */
export function fullKey(space: string, key: string): string {
  assert(spacePattern.test(space), 'the name of a key space is short ASCII')
  return space + separator + key
}

export function spaceEnd(space: string): string {
  return space + afterSeparator
}

/** The key within its space. */
export function keyWithin(space: string, full: string): string {
  return full.slice(space.length + separator.length)
}

/** Text with half a surrogate pair does not survive its way through UTF-8. */
export function assertWellFormed(text: string): void {
  assert(!/\p{Surrogate}/u.test(text), 'keys and values are well-formed text')
}
