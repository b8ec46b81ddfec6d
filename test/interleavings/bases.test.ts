/**
 * A tree is chosen as the base of an edit before the switch of a collection, and committed after it. A base
 * that a branch holds is always good; one that is gone is refused, even where the edit has not read any of
 * it.
 */
import type { Tree } from '@varve/store'
import { describe } from 'vitest'
import { describeRace, doomed, neverRefused, refusedAfter } from '../support/race.ts'

describe('a base is chosen, then written', () => {
  describeRace({
    name: "the branch's own head, in branch.commit",
    decide: async (field) => {
      const gate = field.gate('go on')
      const commit = field.store.branch('main').commit(async (edit) => {
        edit.set('early', 'early text')
        await gate
        edit.set('late', 'late text')
      })
      commit.catch(() => undefined)
      return { commit }
    },
    append: async (field, { commit }) => {
      field.open('go on')
      const made = await commit
      const wanted = { kept: 'kept text', later: 'later text', early: 'early text', late: 'late text' }
      return { commit: made, wanted, isHeld: true }
    },
    expected: neverRefused,
  })

  describeRace({
    name: 'an edit of a doomed tree',
    decide: async (field) => field.first.tree().edit().set('x', 'new text'),
    append: (field, edit) => field.commitResult(() => edit, { ...whole, x: 'new text' }),
    expected: refusedAfter,
  })

  describeRace({
    name: 'an edit of a doomed tree, made into a tree',
    decide: async (field) => {
      const tree = await field.first.tree().edit().set('doomed/x', 'new text').delete('kept').tree()
      await tree.hash()
      return tree
    },
    append: async (field, tree) => ({
      commit: await field.store.commit({ tree }),
      wanted: { ...directory('doomed'), 'doomed/x': 'new text' },
      isHeld: false,
    }),
    expected: refusedAfter,
  })

  describeRace({
    name: 'a doomed tree that is edited only afterwards',
    decide: async (field) => field.first.tree(),
    append: (field, tree) =>
      field.commitResult(() => tree.edit().set('doomed/x', 'new text'), { ...whole, 'doomed/x': 'new text' }),
    expected: refusedAfter,
  })

  describeRace({
    name: 'a doomed tree as it is',
    decide: async (field) => field.first.tree(),
    append: async (field, tree) => ({
      commit: await field.store.commit({ tree, message: 'as it is' }),
      wanted: whole,
      isHeld: false,
    }),
    expected: refusedAfter,
  })

  describeRace({
    name: 'a doomed directory put into another tree',
    decide: async (field) => {
      const below = (await field.first.tree().getTree('doomed')) as Tree
      return field.store.emptyTree().edit().setTree('g', below).set('g/x', 'new text')
    },
    append: (field, edit) => field.commitResult(() => edit, { ...directory('g'), 'g/x': 'new text' }),
    expected: refusedAfter,
  })

  describeRace({
    name: 'a doomed directory put into another tree, and never looked into',
    decide: async (field) => {
      const below = (await field.first.tree().getTree('doomed')) as Tree
      return field.store.emptyTree().edit().setTree('g', below)
    },
    append: (field, edit) => field.commitResult(() => edit, directory('g')),
    expected: refusedAfter,
  })

  describeRace({
    name: 'a doomed directory put into another tree, and made anew',
    decide: async (field) => {
      const below = (await field.first.tree().getTree('doomed')) as Tree
      return field.store.emptyTree().edit().setTree('g', below)
    },
    append: async (field, edit) => {
      await field.store.branch('again').commit((again) => {
        for (const name of ['text', 'other', 'big'] as const) again.set(`doomed/${name}`, doomed[name])
      })
      return field.commitResult(() => edit, directory('g'))
    },
    expected: neverRefused,
  })

  describeRace({
    name: 'a doomed tree put by itself',
    decide: async (field) => field.first.tree(),
    append: async (field, tree) => {
      const hash = await field.store.putTree(tree)
      return field.commitResult((edit) => void edit.setTree('t', hash), below('t', whole))
    },
    expected: refusedAfter,
  })
})

const whole = { ...directory('doomed'), kept: 'kept text' }

function directory(name: string): Record<string, string | Uint8Array> {
  return below(name, { text: doomed.text, other: doomed.other, big: doomed.big })
}

function below(
  folder: string,
  wanted: Readonly<Record<string, string | Uint8Array>>,
): Record<string, string | Uint8Array> {
  return Object.fromEntries(Object.entries(wanted).map(([name, content]) => [`${folder}/${name}`, content]))
}
