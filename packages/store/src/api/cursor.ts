import { optionRule, type RulesFor } from '@varve/pack/errors'
import { type Abortable, abortableRules } from './call-options.ts'

/**
 * A lazy sequence: nothing is read before it is asked for. Take it with `for await`, whole with `toArray`,
 * or in arrays with `pages`; it is consumed once. Leaving the loop, `return()`, or disposal releases what it
 * holds open.
 */
export interface Cursor<T> extends AsyncIterableIterator<T>, AsyncDisposable {
  /** Everything that is left. */
  toArray(): Promise<T[]>
  /** What is left in arrays of `size` items; the last may be shorter, none is empty. */
  pages(size: number): AsyncIterable<T[]>
}

/**
 * Which entries, in which order. Without `recursive`, bounds and `prefix` apply to the names in the one
 * directory, compared by bytes (text counts as UTF-8). With it, every directory is given before what it
 * holds, and bounds and `prefix` apply to whole paths below the start, their names joined by '/'; paths are
 * compared name by name, so '/' counts as lower than any other byte. That is the order of the walk: `gt` of
 * the last path seen goes on there.
 */
export interface Range extends Abortable {
  readonly gt?: string | undefined
  readonly gte?: string | undefined
  readonly lt?: string | undefined
  readonly lte?: string | undefined
  readonly prefix?: string | undefined
  /** At most this many entries; 0 gives none. */
  readonly limit?: number | undefined
  /** From the last to the first; `limit` counts from the end. */
  readonly reverse?: boolean | undefined
  readonly recursive?: boolean | undefined
}

export const rangeRules: RulesFor<Range> = {
  ...abortableRules,
  gt: optionRule.text,
  gte: optionRule.text,
  lt: optionRule.text,
  lte: optionRule.text,
  prefix: optionRule.text,
  limit: optionRule.limit,
  reverse: optionRule.flag,
  recursive: optionRule.flag,
}
