/** Refs in memory, their two views, and what remains of them when acknowledgements come in any order. */
import { VarveError } from '@varve/pack/errors'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { RefStore, type RefTarget } from './ref-store.ts'

const main = 'heads/main'

function target(name: string): RefTarget {
  return { hash: name, offset: 64, at: 1, annotation: undefined }
}

describe('a move', () => {
  test('is seen by the queue when staged, and by everybody when acknowledged', () => {
    const refs = new RefStore()
    refs.load(main, target('a'), 8)
    refs.stage(main, target('b'), 16)
    expect([refs.newest(main)?.hash, refs.acknowledged(main)?.hash]).toEqual(['b', 'a'])
    refs.acknowledge(main, target('b'), 16)
    expect([refs.newest(main)?.hash, refs.acknowledged(main)?.hash]).toEqual(['b', 'b'])
  })

  test('that is acknowledged after a later one changes nothing', () => {
    const refs = new RefStore()
    refs.stage(main, target('a'), 8)
    refs.stage(main, target('b'), 16)
    refs.acknowledge(main, target('b'), 16)
    refs.acknowledge(main, target('a'), 8)
    expect([refs.newest(main)?.hash, refs.acknowledged(main)?.hash]).toEqual(['b', 'b'])
  })

  test('back from a deletion is not undone by its late acknowledgement', () => {
    const refs = new RefStore()
    refs.stage(main, target('a'), 8)
    refs.stage(main, undefined, 16)
    refs.acknowledge(main, undefined, 16)
    // Somebody still waits for the move before it.
    expect(refs.acknowledged(main)).toBeUndefined()
    refs.acknowledge(main, target('a'), 8)
    expect([refs.newest(main), refs.acknowledged(main)]).toEqual([undefined, undefined])
    expect([...refs.listed()]).toEqual([])
  })

  test('of one ref leaves the others alone', () => {
    const refs = new RefStore()
    refs.load('heads/a', target('a'), 8)
    refs.stage('heads/b', target('b'), 16)
    expect(refs.acknowledged('heads/b')).toBeUndefined()
    refs.acknowledge('heads/b', target('b'), 16)
    expect(refs.acknowledged('heads/a')?.hash).toBe('a')
  })
})

test('acknowledgements in any order give what the log says, at every moment', () => {
  const move = fc.record({
    key: fc.constantFrom('heads/a', 'heads/b'),
    hash: fc.option(fc.constantFrom('x', 'y')),
  })
  fc.assert(
    fc.property(fc.array(move, { maxLength: 12 }), fc.infiniteStream(fc.nat()), (moves, choices) => {
      const refs = new RefStore()
      const waiting: { key: string; target: RefTarget | undefined; position: number }[] = []
      const highest = new Map<string, { position: number; hash: string | undefined }>()
      const acknowledgeOne = (): void => {
        const [one] = waiting.splice((choices.next().value ?? 0) % waiting.length, 1)
        if (one === undefined) return
        refs.acknowledge(one.key, one.target, one.position)
        if ((highest.get(one.key)?.position ?? 0) < one.position) {
          highest.set(one.key, { position: one.position, hash: one.target?.hash })
        }
        for (const [key, { hash }] of highest) expect(refs.acknowledged(key)?.hash).toBe(hash)
      }
      for (const [at, { key, hash }] of moves.entries()) {
        const one = { key, target: hash === null ? undefined : target(hash), position: 8 * (at + 1) }
        refs.stage(one.key, one.target, one.position)
        waiting.push(one)
        expect(refs.newest(key)?.hash).toBe(hash ?? undefined)
        if ((choices.next().value ?? 0) % 2 === 0) acknowledgeOne()
      }
      while (waiting.length > 0) acknowledgeOne()
      const last = new Map(moves.map(({ key, hash }) => [key, hash]))
      const expected = [...last].flatMap(([key, hash]) => (hash === null ? [] : [`${key} ${hash}`]))
      expect([...refs.listed()].map((ref) => `${ref.key} ${ref.target.hash}`).sort()).toEqual(expected.sort())
    }),
  )
})

describe('a list of keys', () => {
  test('has the acknowledged of one kind and prefix, in the order of bytes', () => {
    const refs = new RefStore()
    // U+FF5E sorts above U+1F600 by UTF-16 units and below it by bytes.
    const names = ['b', 'a/2', 'a/10', '\u{1f600}', '\uff5e', 'B']
    for (const [at, name] of names.entries()) refs.load(`heads/${name}`, target(name), 8 * at)
    refs.load('tags/a/3', target('t'), 8)
    refs.stage('heads/new', target('n'), 800)
    refs.stage('heads/b', undefined, 808)
    refs.acknowledge('heads/b', undefined, 808)
    expect(refs.keys('heads')).toEqual(
      ['B', 'a/10', 'a/2', '\uff5e', '\u{1f600}'].map((name) => `heads/${name}`),
    )
    expect(refs.keys('heads', 'a/')).toEqual(['heads/a/10', 'heads/a/2'])
    expect(refs.keys('tags')).toEqual(['tags/a/3'])
  })
})

describe('a doubt', () => {
  const error = new VarveError('CORRUPT', { file: 'suffix-1.pack', offset: 100 })

  test('is about every ref that was not recorded since', () => {
    const refs = new RefStore({ below: 100, error })
    refs.load('heads/old', target('o'), 96)
    refs.load('heads/new', target('n'), 104)
    for (const key of ['heads/old', 'heads/unknown']) {
      expect(() => refs.newest(key)).toThrow(error)
      expect(() => refs.acknowledged(key)).toThrow(error)
    }
    expect(refs.acknowledged('heads/new')?.hash).toBe('n')
    expect(refs.keys('heads')).toEqual(['heads/new', 'heads/old'])
    expect(() => refs.assertAllKnown()).toThrow(error)
    expect(() => new RefStore().assertAllKnown()).not.toThrow()
  })

  test('is settled for a ref that is moved or deleted, also once nobody waits any more', () => {
    const refs = new RefStore({ below: 100, error })
    refs.stage('heads/a', target('a'), 200)
    expect(refs.newest('heads/a')?.hash).toBe('a')
    expect(() => refs.acknowledged('heads/a')).toThrow(error)
    refs.acknowledge('heads/a', target('a'), 200)
    expect(refs.acknowledged('heads/a')?.hash).toBe('a')
    refs.stage('heads/a', undefined, 208)
    refs.acknowledge('heads/a', undefined, 208)
    expect([refs.newest('heads/a'), refs.acknowledged('heads/a')]).toEqual([undefined, undefined])
    expect(refs.keys('heads')).toEqual([])
  })
})

test('the last that is known of a ref is told also where it is in doubt', () => {
  const error = new VarveError('CORRUPT', { file: 'suffix-1.pack', offset: 8 })
  const refs = new RefStore({ below: 100, error })
  refs.load(main, target('a'), 8)
  expect(refs.lastKnown(main)?.hash).toBe('a')
  expect(() => refs.acknowledged(main)).toThrow(error)
  refs.stage(main, target('b'), 120)
  expect(refs.lastKnown(main)?.hash, 'what is only staged is not known').toBe('a')
  expect(refs.lastKnown('heads/none')).toBeUndefined()
})
