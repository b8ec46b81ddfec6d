import type { OptionRule } from './check-options.ts'

type RuleName =
  | 'any'
  | 'count'
  | 'date'
  | 'durability'
  | 'duration'
  | 'flag'
  | 'limit'
  | 'list'
  | 'listener'
  | 'signal'
  | 'text'
  | 'texts'

/** The rules that many options share. */
export const optionRule: Readonly<Record<RuleName, OptionRule>> = {
  text: { says: 'text', fits: (value) => typeof value === 'string' },
  flag: { says: 'true or false', fits: (value) => typeof value === 'boolean' },
  listener: { says: 'a function', fits: (value) => typeof value === 'function' },
  signal: {
    says: 'an AbortSignal',
    // By its shape: there are signals of other realms.
    fits: (value) => isObject(value) && 'aborted' in value && 'addEventListener' in value,
  },
  count: {
    says: 'a whole number from 0 on',
    fits: (value) => Number.isSafeInteger(value) && (value as number) >= 0,
  },
  limit: {
    says: 'a whole number from 0 on, or Infinity',
    fits: (value) => value === Number.POSITIVE_INFINITY || optionRule.count.fits(value),
  },
  durability: {
    says: "'commit' or 'flush'",
    fits: (value) => value === 'commit' || value === 'flush',
  },
  duration: {
    says: "a duration: milliseconds from 0 on, or text like '30s'",
    fits: (value) => typeof value === 'number' || typeof value === 'string',
  },
  list: { says: 'an array', fits: (value) => Array.isArray(value) },
  texts: {
    says: 'an object whose values are text',
    fits: (value) =>
      isObject(value) && !Array.isArray(value) && Object.values(value).every(optionRule.text.fits),
  },
  date: { says: 'a Date or a number', fits: (value) => value instanceof Date || typeof value === 'number' },
  /** Checked where it is used. */
  any: { says: 'anything', fits: () => true },
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null
}
