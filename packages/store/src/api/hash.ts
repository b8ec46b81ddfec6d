import { VarveError } from '@varve/pack/errors'
import { isHexHash } from '@varve/pack/objects'

/** What a hash can be the address of. */
export type ObjectKind = 'blob' | 'tree' | 'commit'

declare const kind: unique symbol

/**
 * The address of an object: 64 lower-case hexadecimal digits. At run time it is a plain string, so `===`,
 * `Map` keys, JSON, logs, and `postMessage` all work; the brand carries the kind for the compiler.
 */
export type Hash<K extends ObjectKind = ObjectKind> = string & { readonly [kind]: K }

/**
 * Text that the compiler knows not to be a `Hash`: keeps an address from being stored as if it were content.
 */
export type PlainText = string & { readonly [kind]?: never }

/**
 * The only way from text (a URL, an argument) to a `Hash`. The text says nothing about the kind: the caller
 * does.
 * @throws INVALID_HASH unless the text is 64 lower-case hexadecimal digits
 */
export function parseHash<K extends ObjectKind>(text: string, kind: K): Hash<K> {
  if (!isHash(text)) {
    throw new VarveError(
      'INVALID_HASH',
      { text },
      {
        message: `not the hash of a ${kind} (64 lower-case hexadecimal digits): ${JSON.stringify(text)}`,
      },
    )
  }
  return text as Hash<K>
}

/** True for 64 lower-case hexadecimal digits. Says nothing about whether any store holds such an object. */
export function isHash(value: unknown): value is Hash {
  return typeof value === 'string' && isHexHash(value)
}
