/**
 * A commit is chosen as what a ref shall name before the switch of a collection, and the ref is moved after
 * it. The commit is there with its whole tree, or the move is refused; a ref never dangles.
 */
import type { Commit } from '@varve/store'
import { describe } from 'vitest'
import {
  type Appended,
  describeRace,
  doomed,
  type Field,
  isBeforeSwitch,
  refusedAfter,
} from '../support/race.ts'

describe('a target is chosen, then a ref moved', () => {
  describeRace({
    name: 'branch.set of a handle',
    decide: chosen,
    append: async (field, commit) => {
      await field.store.branch('result').set(commit)
      return moved(commit)
    },
    expected: refusedAfter,
  })

  describeRace({
    name: 'branch.set of a hash',
    decide: chosen,
    append: async (field, commit) => {
      await field.store.branch('result').set(commit.hash)
      return moved(commit)
    },
    // By its hash alone nobody can tell whether it has ever been there.
    expected: (_decidedAt, appendedAt) =>
      isBeforeSwitch(appendedAt) ? 'kept' : ['COLLECTED', 'UNKNOWN_COMMIT'],
  })

  describeRace({
    name: 'compareAndSet of an absent branch',
    decide: chosen,
    append: async (field, commit) => {
      if (!(await field.store.branch('result').compareAndSet(undefined, commit)))
        throw new Error('not absent')
      return moved(commit)
    },
    expected: refusedAfter,
  })

  describeRace({
    name: 'compareAndSet backwards',
    decide: chosen,
    append: async (field, commit) => {
      const main = field.store.branch('main')
      const head = await main.head()
      if (!(await main.compareAndSet(head, commit))) throw new Error('nobody else has moved it')
      return moved(commit)
    },
    expected: refusedAfter,
  })

  describeRace({
    name: 'tag.create',
    decide: chosen,
    append: async (field, commit) => {
      await field.store.tag('v1').create(commit, { message: 'first', date: 0 })
      return moved(commit)
    },
    expected: refusedAfter,
  })

  describeRace({
    name: 'a commit on a branch that was deleted, made when it was set again',
    decide: chosen,
    append: async (field, commit) => {
      const branch = field.store.branch('result')
      await branch.set(commit)
      await branch.delete()
      await branch.set(commit)
      const made = await branch.commit((edit) => void edit.set('x', 'new text'))
      return { ...moved(made), wanted: { ...whole, x: 'new text' } }
    },
    expected: refusedAfter,
  })
})

const whole = {
  'doomed/text': doomed.text,
  'doomed/other': doomed.other,
  'doomed/big': doomed.big,
  kept: 'kept text',
}

async function chosen(field: Field): Promise<Commit> {
  return (await field.store.getCommit(field.first.hash)) as Commit
}

function moved(commit: Commit): Appended {
  return { commit, wanted: whole, isHeld: true }
}
