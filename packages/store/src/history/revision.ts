/** Parses the text of a revision: a name, then any number of `~n` and `^n` steps. */

export interface Revision {
  /** A branch, a tag, the start of a hash, or `git:<id>`. */
  readonly name: string
  readonly steps: readonly RevisionStep[]
}
export interface RevisionStep {
  /** `ancestor`: n first parents up. `parent`: the n-th parent (1 = first). */
  readonly kind: 'ancestor' | 'parent'
  readonly count: number
}

const STEP = /[~^](\d{0,9})/y
const HASH_PREFIX = /^[0-9a-f]{7,64}$/

/** `undefined` when the text is no revision at all (empty name, or odd characters after a step). */
export function parseRevision(text: string): Revision | undefined {
  const first = text.search(/[~^]/)
  const name = first < 0 ? text : text.slice(0, first)
  if (name === '') return undefined
  const steps: RevisionStep[] = []
  let at = name.length
  while (at < text.length) {
    STEP.lastIndex = at
    const match = STEP.exec(text)
    if (match === null) return undefined
    const count = match[1] === '' || match[1] === undefined ? 1 : Number(match[1])
    steps.push({ kind: text[at] === '~' ? 'ancestor' : 'parent', count })
    at = STEP.lastIndex
  }
  return { name, steps }
}

/** Whether a name may be the start of a hash: at least 7 lower-case hex digits. */
export function isHashPrefix(name: string): boolean {
  return HASH_PREFIX.test(name)
}
