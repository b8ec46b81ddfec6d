import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Float64List } from './float64-list.ts'

describe('Float64List', () => {
  test('behaves as an array of numbers', () => {
    const numbers = fc.array(fc.maxSafeNat(), { maxLength: 100 })
    fc.assert(
      fc.property(numbers, numbers, fc.nat(50), (first, second, pops) => {
        const list = Float64List.of(first)
        const model = [...first]
        list.pushAll(Float64Array.from(second))
        model.push(...second)
        for (let i = 0; i < pops; i++) expect(list.pop()).toBe(model.pop())
        expect([...list]).toEqual(model)
        expect(model.map((_, i) => list.at(i))).toEqual(model)
        list.sort()
        expect([...list.toArray()]).toEqual(model.toSorted((a, b) => a - b))
        expect(list.length).toBe(model.length)
      }),
    )
  })

  test('a copy stays, a view follows', () => {
    const list = Float64List.of([1, 2])
    const copy = list.toArray()
    expect([...list.view()]).toEqual([1, 2])
    list.clear()
    list.push(9)
    expect([...copy]).toEqual([1, 2])
    expect([...list.view()]).toEqual([9])
  })

  test('refuses an index outside', () => {
    const list = Float64List.of([1])
    expect(() => list.at(1)).toThrow('must hold')
    expect(() => list.at(-1)).toThrow('must hold')
  })
})
