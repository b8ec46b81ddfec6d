import { describe, expect, expectTypeOf, test } from 'vitest'
import { abortedError, orAborted, throwIfAborted } from './abort.ts'
import { codes, isErrorCode } from './codes.ts'
import type { ErrorCode } from './error-details.ts'
import { fromPlainError, toPlainError } from './plain-error.ts'
import { VarveError } from './varve-error.ts'

describe('VarveError', () => {
  test('carries code, details, hint and cause', () => {
    const cause = new RangeError('below')
    const error = new VarveError('CORRUPT', { file: 'suffix-3.pack', offset: 64 }, { cause })
    expect(error).toMatchObject({ code: 'CORRUPT', details: { file: 'suffix-3.pack', offset: 64 }, cause })
    expect(error.message).toBe('suffix-3.pack is damaged at byte 64')
    expect(error.hint).toBe(codes.CORRUPT.advice)
    expect(error.name).toBe('VarveError')
    expect(String(error)).toBe('VarveError: suffix-3.pack is damaged at byte 64')
    expect(Object.keys(error).sort()).toEqual(['code', 'details', 'hint'])
  })

  test('takes the words of the place of failure', () => {
    const error = new VarveError(
      'NO_STORE',
      { path: '/x' },
      { message: 'empty folder', hint: 'run varve init' },
    )
    expect(error.message).toBe('empty folder')
    expect(error.hint).toBe('run varve init')
    expect('cause' in error).toBe(false)
  })

  test('is told by its code, and the details follow', () => {
    const error: unknown = new VarveError('NO_SPACE', { needed: 10, free: 3 })
    expect(VarveError.is(error)).toBe(true)
    expect(VarveError.is(error, 'CORRUPT')).toBe(false)
    if (!VarveError.is(error, 'NO_SPACE')) throw error
    expectTypeOf(error.details.free).toEqualTypeOf<number>()
    expect(error.details.free).toBe(3)
  })

  test('is recognised when another copy of the module made it', () => {
    class OtherCopy extends Error {
      readonly code = 'GC_RUNNING'
    }
    Object.defineProperty(OtherCopy.prototype, Symbol.for('varve.error'), { value: true })
    expect(VarveError.is(new OtherCopy(), 'GC_RUNNING')).toBe(true)
  })

  test.each([undefined, null, 'NO_STORE', {}, new RangeError('no'), { code: 'NO_STORE' }])(
    '%s is none',
    (value) => {
      expect(VarveError.is(value)).toBe(false)
    },
  )
})

describe('codes', () => {
  test('each has a sentence of meaning and of advice', () => {
    for (const [code, { meaning, advice }] of Object.entries(codes)) {
      expect(code).toMatch(/^[A-Z]+(_[A-Z]+)*$/)
      expect(meaning, code).toMatch(/^[A-Z].*\.$/)
      expect(advice, code).toMatch(/^[A-Z].*\.$/)
    }
    expect(isErrorCode('CORRUPT')).toBe(true)
    expect(isErrorCode('toString')).toBe(false)
    expect(isErrorCode(7)).toBe(false)
  })

  test('messages stay short whatever the details', () => {
    const candidates = Array.from({ length: 9 }, (_, i) => `commit-${i}`)
    const { message } = new VarveError('AMBIGUOUS', { candidates })
    expect(message).toContain('any of 9 commits: commit-0')
    expect(message).toContain('commit-4 and 4 more')
    expect(new VarveError('IS_A_TREE', { path: ['a', new Uint8Array([0x62])] }).message).toContain('"a/b"')
  })
})

describe('across threads', () => {
  test('an error goes as data and comes back', () => {
    const error = new VarveError(
      'STORE_LOCKED',
      { pid: 7, since: new Date(0) },
      { cause: new RangeError('x') },
    )
    const plain = toPlainError(error)
    expect(plain).toBeDefined()
    const back = fromPlainError(structuredClone(plain as NonNullable<typeof plain>))
    expect(VarveError.is(back, 'STORE_LOCKED')).toBe(true)
    expect(back).toMatchObject({ details: error.details, message: error.message, hint: error.hint })
  })

  test('foreign errors are left to the caller, unknown codes become a failed collection', () => {
    expect(toPlainError(new RangeError('x'))).toBeUndefined()
    const strange = { code: 'FROM_THE_FUTURE' as ErrorCode, details: {}, message: 'm', hint: 'h' }
    expect(VarveError.is(fromPlainError(strange), 'GC_FAILED')).toBe(true)
  })
})

describe('aborting', () => {
  test('an aborted signal throws, with its reason as the cause', () => {
    const reason = new RangeError('enough')
    const error = abortedError(AbortSignal.abort(reason))
    expect(error).toMatchObject({ code: 'ABORTED', name: 'AbortError', cause: reason })
    expect(() => throwIfAborted(AbortSignal.abort(reason))).toThrow(error)
    throwIfAborted(undefined)
    throwIfAborted(new AbortController().signal)
  })

  test('a wait ends with the promise or with the signal, whichever is first', async () => {
    const controller = new AbortController()
    const never = new Promise<never>(() => {})
    await expect(orAborted(Promise.resolve(3), controller.signal)).resolves.toBe(3)
    await expect(orAborted(Promise.resolve(4), undefined)).resolves.toBe(4)
    const waiting = orAborted(never, controller.signal)
    controller.abort('enough')
    await expect(waiting).rejects.toMatchObject({ code: 'ABORTED', cause: 'enough' })
    await expect(orAborted(never, controller.signal)).rejects.toMatchObject({ code: 'ABORTED' })
  })

  test('work that nobody waits for any more may fail', async () => {
    const failing = Promise.reject(new RangeError('later'))
    await expect(orAborted(failing, AbortSignal.abort())).rejects.toMatchObject({ code: 'ABORTED' })
    // A rejection that nobody has taken is told after the microtasks, and would fail this run.
    await new Promise((resolve) => void setImmediate(resolve))
  })
})
