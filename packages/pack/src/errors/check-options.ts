import { VarveError } from './varve-error.ts'

/** What a value of an option must be. */
export interface OptionRule {
  /** Ends the sentence "the option x must be …". */
  readonly says: string
  readonly fits: (value: unknown) => boolean
  /** It cannot be left out. */
  readonly isNeeded?: boolean
  /** What to do, where the advice of OPTION_MISMATCH does not say it. */
  readonly hint?: string
}

/** One rule for each option of an interface: none is forgotten. */
export type RulesFor<O> = { readonly [Option in keyof Required<O>]: OptionRule }

/**
 * Checks the options that a caller has given, who may not have had a compiler look at them. What is
 * `undefined` was not given. An option that nobody knows is refused: to leave out what it asks for may be the
 * opposite of what the caller wants.
 * @throws OPTION_MISMATCH naming the option
 */
export function checkOptions<O extends object>(given: O, rules: RulesFor<O>): void {
  if (typeof given !== 'object' || given === null) {
    throw mismatch('options', `options are an object, not ${given === null ? 'null' : typeof given}`)
  }
  const values = given as Readonly<Record<string, unknown>>
  for (const option in values) {
    if (values[option] === undefined || Object.hasOwn(rules, option)) continue
    const known = Object.keys(rules).join(', ')
    throw mismatch(option, `there is no option ${option} here`, `The options are: ${known}.`)
  }
  for (const option in rules) {
    const {
      says,
      fits,
      hint,
      isNeeded = false,
    } = (rules as Readonly<Record<string, OptionRule>>)[option] as OptionRule
    const value = values[option]
    const isRight = value === undefined ? !isNeeded : fits(value)
    if (!isRight) throw mismatch(option, `the option ${option} must be ${says}`, hint)
  }
}

function mismatch(option: string, message: string, hint?: string): VarveError<'OPTION_MISMATCH'> {
  return new VarveError('OPTION_MISMATCH', { option }, { message, hint })
}
