import { VarveError } from '@varve/pack/errors'
import type { CommitInfo } from '../api/index.ts'

/** Half of a surrogate pair has no UTF-8 of its own. */
const HALF_PAIR = /\p{Surrogate}/u
const HALF_PAIRS = /\p{Surrogate}/gu

/** All texts of a commit or a tag together: half of what a record of the log can hold. */
const TEXT_BYTES_MAX = 4 * 1024 * 1024

/** What a commit will say of itself, checked, and in the form in which it is stored. */
export interface CheckedInfo {
  readonly author: string | undefined
  /** ms since 1970. */
  readonly date: number | undefined
  readonly message: string
  readonly extra: Readonly<Record<string, string>>
}

/** Of options whose types were checked before. @throws OPTION_MISMATCH naming what cannot be stored */
export function checkedInfo(info: CommitInfo): CheckedInfo {
  const { author, date, message = '', extra = {} } = info
  const checked = {
    author: author === undefined ? undefined : asStored(author),
    date: date === undefined ? undefined : dateMs(date),
    message: asStored(message),
    extra: checkedExtra(extra),
  }
  checkTextBytes([checked.author ?? '', checked.message, ...Object.entries(checked.extra).flat()])
  return checked
}

/** @throws OPTION_MISMATCH when a record of the log has no room for so much text */
export function checkTextBytes(texts: readonly string[]): void {
  let bytes = 0
  for (const text of texts) bytes += Buffer.byteLength(text)
  if (bytes <= TEXT_BYTES_MAX) return
  const message = `${bytes} bytes of text are too many: at most ${TEXT_BYTES_MAX}`
  throw new VarveError('OPTION_MISMATCH', { option: 'message' }, { message })
}

/** @throws OPTION_MISMATCH when it is no time that a `Date` can hold */
export function dateMs(date: Date | number): number {
  const ms = new Date(date).getTime()
  if (Number.isNaN(ms)) {
    throw new VarveError('OPTION_MISMATCH', { option: 'date' }, { message: `not a date: ${String(date)}` })
  }
  return ms
}

/** Without a prototype, so that every key is just a key. */
function checkedExtra(extra: Readonly<Record<string, string>>): Record<string, string> {
  const checked: Record<string, string> = Object.create(null) as Record<string, string>
  for (const [key, value] of Object.entries(extra)) {
    if (HALF_PAIR.test(key)) {
      const message = `a key of extra holds half of a surrogate pair: ${JSON.stringify(key)}`
      throw new VarveError('OPTION_MISMATCH', { option: 'extra' }, { message })
    }
    checked[key] = asStored(value)
  }
  return checked
}

/** As it will be read: in UTF-8 the halves of surrogate pairs become U+FFFD. */
function asStored(text: string): string {
  return text.replace(HALF_PAIRS, '\ufffd')
}
