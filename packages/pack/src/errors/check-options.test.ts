import { describe, expect, test } from 'vitest'
import { checkOptions, type RulesFor } from './check-options.ts'
import { optionRule } from './option-rule.ts'
import { VarveError } from './varve-error.ts'

interface Options {
  readonly name?: string | undefined
  readonly limit?: number | undefined
}

const rules: RulesFor<Options> = {
  name: { ...optionRule.text, hint: 'Say it in words.' },
  limit: optionRule.limit,
}

function failureOf(given: unknown): VarveError<'OPTION_MISMATCH'> | undefined {
  try {
    checkOptions(given as Options, rules)
    return undefined
  } catch (error) {
    if (VarveError.is(error, 'OPTION_MISMATCH')) return error
    throw error
  }
}

test('what was not given, and what fits, passes', () => {
  for (const given of [{}, { name: undefined, other: undefined }, { name: 'x', limit: 0 }]) {
    expect(failureOf(given)).toBeUndefined()
  }
})

test('an option that nobody knows is named, with those that there are', () => {
  expect(failureOf({ nmae: 'x' })).toMatchObject({
    details: { option: 'nmae' },
    message: 'there is no option nmae here',
    hint: 'The options are: name, limit.',
  })
  expect(failureOf(Object.create({ inherited: 1 }))?.details.option).toBe('inherited')
  expect(failureOf({ toString: 1 })?.details.option).toBe('toString')
})

test('a value that does not fit is told with what would', () => {
  expect(failureOf({ name: 5 })).toMatchObject({
    details: { option: 'name' },
    message: 'the option name must be text',
    hint: 'Say it in words.',
  })
  expect(failureOf(Object.create({ limit: -1 }))?.details.option).toBe('limit')
})

test.each([[null], [5], ['text']])('%j are no options', (given) => {
  expect(failureOf(given)?.details.option).toBe('options')
})

describe('the rule', () => {
  const { signal } = new AbortController()
  test.each([
    ['text', ['', 'a'], [5, null, {}]],
    ['flag', [true, false], [0, 'true', null]],
    ['listener', [() => undefined], [{}, null]],
    ['signal', [signal], [5, null, {}, true]],
    ['count', [0, 7], [-1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, '1', null]],
    ['limit', [0, 7, Number.POSITIVE_INFINITY], [-1, 1.5, Number.NaN, '1', null]],
    ['duration', [0, '1s'], [null, {}, true]],
    ['list', [[], [1]], [null, 'abc', {}, new Set()]],
    ['texts', [{}, { a: 'b' }], [null, ['a'], { a: 5 }, 'abc']],
    ['date', [0, new Date(0)], [null, '2020-01-01', {}]],
  ] as const)('%s', (name, fitting, others) => {
    for (const value of fitting) expect(optionRule[name].fits(value), String(value)).toBe(true)
    for (const value of others) expect(optionRule[name].fits(value), String(value)).toBe(false)
  })
})
