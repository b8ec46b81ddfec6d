import fc from 'fast-check'
import { expect, test } from 'vitest'
import { ChangeMap } from './change-map.ts'

/** More than the lists take, so that some runs go over to a map. */
const names = ['k', 'b', 'a', 'ab', 'é', 'j', 'c', 'i', 'd', 'h', 'e', 'g', 'f']
const name = fc.constantFrom(...names)
const step = fc.oneof(
  fc.record({ call: fc.constant('set' as const), name, value: fc.integer() }),
  fc.record({ call: fc.constant('delete' as const), name, value: fc.constant(0) }),
)

test('holds what a Map would hold, in the same order', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const changes = new ChangeMap<number>()
      const model = new Map<string, number>()
      for (const { call, name, value } of steps) {
        if (call === 'set') {
          changes.set(name, value)
          model.set(name, value)
        } else {
          changes.delete(name)
          model.delete(name)
        }
        expect(changes.size).toBe(model.size)
        expect([...changes]).toEqual([...model])
        expect([...changes.keys()]).toEqual([...model.keys()])
        expect(changes.sortedNames()).toEqual([...model.keys()].sort())
        for (const asked of names) {
          expect(changes.get(asked)).toBe(model.get(asked))
          expect(changes.has(asked)).toBe(model.has(asked))
        }
      }
    }),
  )
})
