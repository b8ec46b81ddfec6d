/**
 * Content that the store holds already is put before the switch of a collection that drops it, and used after
 * it. It is written again where it is gone; and what was put by itself is kept as if it had been new.
 */
import type { Hash, Tree } from '@varve/store'
import { describe } from 'vitest'
import { PausedSource } from '../support/paused-source.ts'
import { describeRace, doomed, neverRefused, refusedAfter } from '../support/race.ts'

/** Holds through this collection; the next one, with a target after it and no grace, drops it. */
function untilNext(_decidedAt: string, appendedAt: string): 'kept' | readonly ['COLLECTED'] {
  return appendedAt === 'again' ? ['COLLECTED'] : 'kept'
}

describe('content that is there is put, then used', () => {
  describeRace({
    name: 'tree.set of content that is there, then commit',
    decide: async (field) => {
      const tree = await field.store.emptyTree().set('x', doomed.text)
      await tree.hash()
      return tree
    },
    append: (field, tree) => field.commitResult(() => tree, { x: doomed.text }),
    expected: neverRefused,
  })

  describeRace({
    name: 'edit.set of large content that is there, then commit',
    decide: async (field) => field.store.emptyTree().edit().set('x/big', doomed.big),
    append: (field, edit) => field.commitResult(() => edit, { 'x/big': doomed.big }),
    expected: neverRefused,
  })

  describeRace({
    name: 'a whole directory that is there made anew, then commit',
    decide: (field) => sameDirectory(field.store.emptyTree()),
    append: (field, tree) => field.commitResult(() => tree, wantedDirectory),
    expected: neverRefused,
  })

  describeRace({
    name: 'putBlob of text that is there, then setBlob',
    decide: (field) => field.store.putBlob(doomed.text),
    append: (field, hash) => field.commitResult((edit) => void edit.setBlob('x', hash), { x: doomed.text }),
    expected: untilNext,
  })

  describeRace({
    name: 'putBlob of large content that is there, then setBlob',
    decide: (field) => field.store.putBlob(doomed.big),
    append: (field, hash) => field.commitResult((edit) => void edit.setBlob('x', hash), { x: doomed.big }),
    expected: untilNext,
  })

  describeRace({
    name: 'setBlob of text that is there, then commit',
    decide: async (field) => field.store.emptyTree().edit().setBlob('x', field.textHash),
    append: (field, edit) => field.commitResult(() => edit, { x: doomed.text }),
    expected: refusedAfter,
  })

  describeRace({
    name: 'setBlob of text that is there, then putBlob of it and commit',
    decide: async (field) => field.store.emptyTree().edit().setBlob('x', field.textHash),
    append: async (field, edit) => {
      await field.store.putBlob(doomed.text)
      return field.commitResult(() => edit, { x: doomed.text })
    },
    expected: neverRefused,
  })

  describeRace({
    name: 'hasBlobs with touch, then setBlob',
    decide: (field) => field.store.hasBlobs([field.textHash], { touch: true }),
    append: (field) =>
      field.commitResult((edit) => void edit.setBlob('x', field.textHash), { x: doomed.text }),
    expected: (decidedAt, appendedAt) =>
      decidedAt === 'start' || decidedAt === 'sweeping' || decidedAt === 'swept'
        ? untilNext(decidedAt, appendedAt)
        : ['COLLECTED'],
  })

  describeRace({
    name: 'putTree of a directory that is there, then setTree',
    decide: async (field) => field.store.putTree(await sameDirectory(field.store.emptyTree())),
    append: (field, hash: Hash<'tree'>) =>
      field.commitResult((edit) => void edit.setTree('d', hash), below('d', wantedDirectory)),
    expected: untilNext,
  })

  describeRace({
    name: 'a commit that is there made anew off any branch, then a branch set to it',
    decide: (field) =>
      field.store.commit({
        tree: field.first.tree(),
        parents: field.first.parents,
        message: field.first.message,
        author: field.first.author,
        date: field.first.date,
      }),
    append: async (field, commit) => {
      await field.store.branch('result').set(commit)
      return { commit, wanted: { ...below('doomed', wantedDirectory), kept: 'kept text' }, isHeld: true }
    },
    // Its tree is a base, and not content: it cannot be written again.
    expected: (decidedAt, appendedAt) =>
      decidedAt === 'start' || decidedAt === 'sweeping' || decidedAt === 'swept'
        ? untilNext(decidedAt, appendedAt)
        : ['COLLECTED'],
  })

  describeRace({
    name: 'the first half of a stream that is there, then the other half and a commit',
    decide: async (field) => {
      const source = new PausedSource()
      const put = field.store.putBlob(source)
      put.catch(() => undefined)
      source.give(doomed.big.subarray(0, 300_000))
      return { source, put }
    },
    append: async (field, { source, put }) => {
      source.give(doomed.big.subarray(300_000))
      source.end()
      const hash = await put
      return field.commitResult((edit) => void edit.setBlob('x', hash), { x: doomed.big })
    },
    expected: neverRefused,
  })
})

const wantedDirectory = { text: doomed.text, other: doomed.other, big: doomed.big }

function sameDirectory(empty: Tree): Promise<Tree> {
  const edit = empty.edit()
  for (const [name, content] of Object.entries(wantedDirectory)) edit.set(name, content)
  return edit.tree()
}

function below(
  folder: string,
  wanted: Readonly<Record<string, string | Uint8Array>>,
): Record<string, string | Uint8Array> {
  return Object.fromEntries(Object.entries(wanted).map(([name, content]) => [`${folder}/${name}`, content]))
}
