import { VarveError } from '@varve/pack/errors'
import { describe, expect, test } from 'vitest'
import type { HostPager } from '../host/index.ts'
import { pagerChoice, throughPager } from './paging.ts'
import { MemoryHost, MemoryOutput } from './testing/memory-host.ts'

const options = { json: false, color: 'never', pager: true } as const

function hostWith(environment: Readonly<Record<string, string>>, isTerminal = true): MemoryHost {
  return new MemoryHost({ isTerminal, environment })
}

describe('which pager', () => {
  test.each<[Readonly<Record<string, string>>, ReturnType<typeof pagerChoice>]>([
    [{}, { line: 'less', args: ['-FRX'] }],
    [{ PAGER: 'more -s' }, { line: 'more -s' }],
    [{ VARVE_PAGER: 'most', PAGER: 'more' }, { line: 'most' }],
    [{ VARVE_PAGER: '', PAGER: 'more' }, undefined],
    [{ VARVE_PAGER: 'cat', PAGER: 'more' }, undefined],
    [{ PAGER: '' }, undefined],
    [{ PAGER: 'cat' }, undefined],
  ])('with %j', (environment, expected) => {
    expect(pagerChoice(hostWith(environment), options)).toEqual(expected)
    expect(pagerChoice(hostWith(environment, false), options)).toBeUndefined()
    expect(pagerChoice(hostWith(environment), { ...options, json: true })).toBeUndefined()
    expect(pagerChoice(hostWith(environment), { ...options, pager: false })).toBeUndefined()
  })
})

/** A pager whose reader leaves, or stays to the end. */
class FakePager implements HostPager {
  readonly output = new MemoryOutput(true)
  readonly #leaving = new AbortController()
  readonly #exit: number
  hasEnded = false

  constructor(exit = 0) {
    this.#exit = exit
  }

  get gone(): AbortSignal {
    return this.#leaving.signal
  }

  leave(): void {
    this.#leaving.abort()
  }

  async end(): Promise<number> {
    this.hasEnded = true
    return this.#exit
  }
}

function hostOf(pager: FakePager | undefined): MemoryHost {
  const host = hostWith({ PAGER: 'some' })
  host.pager = pager
  return host
}

describe('what goes through it', () => {
  test('is all that the command prints, and nothing of it is on stdout', async () => {
    const pager = new FakePager()
    const host = hostOf(pager)
    const result = await throughPager(host, options, async (paged) => {
      await paged?.output.document({}, () => ['a line'])
      return 7
    })
    expect(result).toBe(7)
    expect(pager).toMatchObject({ hasEnded: true, output: { text: 'a line\n' } })
    expect(host.stdout.text).toBe('')
  })

  test('nothing where there is none, or none was to be', async () => {
    const without = hostOf(undefined)
    expect(await throughPager(without, options, async (paged) => paged)).toBeUndefined()
    expect(without.pagers).toEqual([{ line: 'some' }])
    const host = hostOf(new FakePager())
    await throughPager(host, { ...options, pager: false }, async (paged) => expect(paged).toBeUndefined())
    expect(host.pagers).toEqual([])
  })

  test('a reader who leaves ends the command, which is no failure', async () => {
    const pager = new FakePager()
    const result = await throughPager(hostOf(pager), options, async (paged) => {
      pager.leave()
      expect(paged?.signal.aborted).toBe(true)
      throw new VarveError('ABORTED', {})
    })
    expect(result).toBeUndefined()
    expect(pager.hasEnded).toBe(true)
  })

  test('a failure is told when the pager has ended, also after the reader has left', async () => {
    const pager = new FakePager()
    const failing = throughPager(hostOf(pager), options, async () => {
      pager.leave()
      throw new VarveError('STORE_CLOSED', {})
    })
    await expect(failing).rejects.toMatchObject({ code: 'STORE_CLOSED' })
    expect(pager.hasEnded).toBe(true)
  })

  test.each([126, 127])('a pager that a shell cannot run (%i) is a failure', async (exit) => {
    const running = throughPager(hostOf(new FakePager(exit)), options, async () => 0)
    await expect(running).rejects.toMatchObject({ code: 'USAGE' })
  })
})
