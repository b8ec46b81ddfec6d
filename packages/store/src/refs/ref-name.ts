/** The grammar of branch and tag names, and their keys in the metadata table of refs. */
import { VarveError } from '@varve/pack/errors'

export type RefKind = 'heads' | 'tags'

const NAME_BYTES_MAX = 1_000

/**
 * The metadata key of a ref: `heads/<name>` or `tags/<name>`. @throws INVALID_PATH for a name that no ref can
 * have.
 */
export function refKey(kind: RefKind, name: string): string {
  const hint = refNameHint(name)
  if (hint !== undefined) {
    const message = `not a name for a ref: ${JSON.stringify(name)}`
    throw new VarveError('INVALID_PATH', { path: String(name), hint }, { message, hint })
  }
  return `${kind}/${name}`
}

/** The name of the ref that has this key. */
export function refNameOf(key: string): string {
  return key.slice(key.indexOf('/') + 1)
}

/** Why a name is refused, or `undefined` when it is fine. Follows Git's rules, so that imported names fit. */
function refNameHint(name: string): string | undefined {
  if (typeof name !== 'string') return 'the name of a ref is text'
  if (name === '') return 'a ref needs a name'
  if (/\p{Surrogate}/u.test(name)) return 'no half of a surrogate pair'
  if (Buffer.byteLength(name) > NAME_BYTES_MAX) return `at most ${NAME_BYTES_MAX} bytes`
  if (hasControlCharacter(name)) return 'no control characters'
  if (/[ ~^:?*[\\]/.test(name)) return 'none of: space ~ ^ : ? * [ \\'
  if (name.startsWith('/') || name.endsWith('/') || name.includes('//'))
    return 'no empty part between slashes'
  if (name.includes('..') || name.endsWith('.') || name.includes('@{'))
    return 'no "..", no "@{", no dot at the end'
  if (name.split('/').some((part) => part.startsWith('.') || part.endsWith('.lock'))) {
    return 'no part begins with "." or ends in ".lock"'
  }
  return undefined
}

function hasControlCharacter(name: string): boolean {
  for (let at = 0; at < name.length; at++) {
    const unit = name.charCodeAt(at)
    if (unit < 0x20 || unit === 0x7f) return true
  }
  return false
}
