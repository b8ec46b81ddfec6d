/**
 * Something is looked up by hash before the switch of a collection, and written on top of after it. Whatever
 * the order, either the write is refused with COLLECTED or everything below it is there.
 */
import type { Commit, Tree } from '@varve/store'
import { describe } from 'vitest'
import { describeRace, doomed, refusedAfter } from '../support/race.ts'

describe('a hash is looked up, then written', () => {
  describeRace({
    name: 'hasBlobs, then setBlob on a branch',
    decide: (field) => field.store.hasBlobs([field.textHash]),
    append: (field) =>
      field.commitResult((edit) => void edit.setBlob('x', field.textHash), { x: doomed.text }),
    expected: refusedAfter,
  })

  describeRace({
    name: 'edit.setBlob, then commit of the edit',
    decide: async (field) => field.store.emptyTree().edit().setBlob('x', field.textHash),
    append: (field, edit) => field.commitResult(() => edit, { x: doomed.text }),
    expected: refusedAfter,
  })

  describeRace({
    name: 'setBlob of a large blob, then commit of the tree',
    decide: (field) => field.store.emptyTree().setBlob('d/big', field.bigHash),
    append: (field, tree) => field.commitResult(() => tree, { 'd/big': doomed.big }),
    expected: refusedAfter,
  })

  describeRace({
    name: 'hash of a tree with setBlob, then commit off any branch',
    decide: async (field) => {
      const tree = await field.store.emptyTree().setBlob('x', field.textHash)
      await tree.hash()
      return tree
    },
    append: async (field, tree) => ({
      commit: await field.store.commit({ tree }),
      wanted: { x: doomed.text },
      isHeld: false,
    }),
    expected: refusedAfter,
  })

  describeRace({
    name: 'getTree, then setTree of it',
    decide: async (field) => {
      const below = await field.first.tree().getTree('doomed')
      return (await field.store.getTree(await (below as Tree).hash())) as Tree
    },
    append: (field, tree) => field.commitResult((edit) => void edit.setTree('d', tree), directory('d')),
    expected: refusedAfter,
  })

  describeRace({
    name: 'edit.setTree of a hash, then commit of the edit',
    decide: async (field) => {
      const below = await field.first.tree().getTree('doomed')
      return field.store
        .emptyTree()
        .edit()
        .setTree('d', await (below as Tree).hash())
    },
    append: (field, edit) => field.commitResult(() => edit, directory('d')),
    expected: refusedAfter,
  })

  describeRace({
    name: 'getCommit, then a commit of its tree',
    decide: async (field) => (await field.store.getCommit(field.first.hash)) as Commit,
    append: async (field, found) => ({
      commit: await field.store.commit({ tree: found.tree(), parents: [found], message: 'again' }),
      wanted: { ...directory('doomed'), kept: 'kept text' },
      isHeld: false,
    }),
    expected: refusedAfter,
  })
})

function directory(name: string): Record<string, string | Uint8Array> {
  return { [`${name}/text`]: doomed.text, [`${name}/other`]: doomed.other, [`${name}/big`]: doomed.big }
}
