import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { PlaceTable } from './place-table.ts'

function placesOf(table: PlaceTable, tag: number): number[] {
  const places: number[] = []
  for (let slot = table.first(tag); slot >= 0; slot = table.next(slot)) places.push(table.placeAt(slot))
  return places.sort((a, b) => a - b)
}

/** Few tags, which share their low bits with others or wrap around the end of the table. */
const tag = fc.oneof(
  fc.integer({ min: 0, max: 5 }),
  fc.integer({ min: 0, max: 5 }).map((high) => high * 0x1_0000 + 0x3fe),
  fc.integer({ min: -16, max: -1 }),
)
const step = fc.record({ tag, removes: fc.boolean(), pick: fc.nat(1000) })

describe('PlaceTable', () => {
  test('holds what a map of lists holds, whatever is added and removed', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 400 }), (steps) => {
        const table = new PlaceTable(0)
        const model = new Map<number, number[]>()
        for (const [i, { tag, removes, pick }] of steps.entries()) {
          const known = model.get(tag) ?? []
          if (removes) {
            const place = known[pick % Math.max(1, known.length)] ?? 999_999
            table.remove(tag, place)
            model.set(
              tag,
              known.filter((other) => other !== place),
            )
          } else {
            table.add(tag, i + 1)
            model.set(tag, [...known, i + 1])
          }
        }
        const all = [...model.values()].flat().sort((a, b) => a - b)
        for (const [tag, places] of model) expect(placesOf(table, tag)).toEqual(places)
        expect([...table.places()].sort((a, b) => a - b)).toEqual(all)
        expect(table.count).toBe(all.length)
      }),
    )
  })

  test('grows when it must, and removing makes room again', () => {
    const table = new PlaceTable(0)
    const { bytes } = new PlaceTable(600)
    for (let round = 0; round < 100; round++) {
      for (let place = 1; place <= 600; place++) table.add(Math.imul(place, 0x9e37_79b1), place)
      for (let place = 1; place <= 600; place++) table.remove(Math.imul(place, 0x9e37_79b1), place)
    }
    expect(table.count).toBe(0)
    expect(table.bytes).toBe(bytes)
    for (let place = 1; place <= 100_000; place++) table.add(Math.imul(place, 0x9e37_79b1), place)
    for (let place = 1; place <= 100_000; place += 997)
      expect(placesOf(table, Math.imul(place, 0x9e37_79b1))).toEqual([place])
  })

  test('a place can be replaced, up to the largest there is', () => {
    const table = new PlaceTable(0)
    table.add(7, 1)
    table.setPlace(table.first(7), 0xffff_ffff)
    expect(placesOf(table, 7)).toEqual([0xffff_ffff])
  })
})
