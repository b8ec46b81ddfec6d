import { VarveError } from '@varve/pack/errors'
import { systemError } from '@varve/pack/testing'
import { describe, expect, test } from 'vitest'
import { asCollectFailure, asThreadFailure, outcomeOf } from './failure.ts'

describe('failures of a collection', () => {
  test.each([
    ['a full disk', systemError('ENOSPC', 'write', '/x'), 'disk'],
    ['a failing disk', systemError('EIO', 'read', '/x'), 'disk'],
    ['no room for a buffer', new RangeError('Array buffer allocation failed'), 'memory'],
    ['an array that is too long', new RangeError('Invalid array length'), 'memory'],
    ['a bug', new TypeError('x is not a function'), 'other'],
    ['something thrown that is no error', 'text', 'other'],
    ['nothing', undefined, 'other'],
  ])('%s', async (_, error, reason) => {
    expect(asCollectFailure(error)).toMatchObject({ code: 'GC_FAILED', details: { reason }, cause: error })
    const outcome = await outcomeOf(() => Promise.reject(error))
    expect(structuredClone(outcome)).toMatchObject({ ok: false, code: 'GC_FAILED', details: { reason } })
  })

  test('of a thread: out of memory, or whatever else ended it', () => {
    const heap = Object.assign(new RangeError('heap'), { code: 'ERR_WORKER_OUT_OF_MEMORY' })
    expect(asThreadFailure(heap)).toMatchObject({ details: { reason: 'memory' } })
    expect(asThreadFailure(systemError('EIO', 'read', '/x'))).toMatchObject({ details: { reason: 'worker' } })
  })

  test('errors of ours keep their code and details across threads', async () => {
    const error = new VarveError('CORRUPT', { file: 'gen-1.pack', offset: 64 })
    expect(asCollectFailure(error)).toBe(error)
    expect(asThreadFailure(error)).toBe(error)
    const outcome = structuredClone(await outcomeOf(() => Promise.reject(error)))
    expect(outcome).toMatchObject({ ok: false, code: 'CORRUPT', details: { file: 'gen-1.pack', offset: 64 } })
    expect(await outcomeOf(async () => 7)).toEqual({ ok: true, value: 7 })
  })
})
