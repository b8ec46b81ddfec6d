import { type NodeSink, sha256 } from '@varve/pack/objects'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { TreeEdit } from '../api/index.ts'
import { emptyTree, finishSteps, StoredTree, writeTree } from '../directory/index.ts'
import { MemoryStorage } from '../directory/testing/memory-storage.ts'
import { FreshChildren } from './fresh-children.ts'

/** A store that asks of every node whether it is certainly new, and knows whether that is true. */
class AskingStore {
  readonly storage = new MemoryStorage()
  readonly #fresh = new FreshChildren(0)
  /** Nodes that were new, and how many of them were known to be. */
  newCount = 0
  knownCount = 0
  readonly #sink: NodeSink = {
    putNode: (hash, body, start, end, referenceCount, children) => {
      const isKnownNew = this.#fresh.take(body, start, end, referenceCount)
      const before = this.storage.nodesWritten
      const ref = this.storage.putNode(hash, body, start, end, referenceCount, children)
      const isNew = this.storage.nodesWritten > before
      if (isKnownNew) expect(isNew, 'what is known to be new is new').toBe(true)
      if (isNew) this.newCount++
      if (isKnownNew) this.knownCount++
      return ref
    },
    putBlob: (content) => this.storage.putBlob(content),
  }

  commit(tree: StoredTree, change: (edit: TreeEdit) => void): StoredTree {
    const edit = tree.edit()
    change(edit)
    const root = finishSteps(writeTree(edit, this.storage, this.#sink))
    return new StoredTree({ storage: this.storage, root, epoch: this.storage.epoch() })
  }
}

describe('FreshChildren', () => {
  test('never takes a node for new that the store holds', () => {
    // Few names and contents, so that equal directories come again and again, also within one commit.
    const path = fc.array(fc.constantFrom('a', 'b', 'c', 'dd'), { minLength: 1, maxLength: 3 })
    const write = fc.record({ path, value: fc.constantFrom('', 'x', 'y'), isDelete: fc.boolean() })
    const many = fc.record({ path, from: fc.nat(40), count: fc.nat(60), value: fc.constantFrom('x', 'y') })
    const commit = fc.record({
      writes: fc.array(write, { maxLength: 8 }),
      many: fc.array(many, { maxLength: 2 }),
    })
    fc.assert(
      fc.property(fc.array(commit, { minLength: 1, maxLength: 12 }), (commits) => {
        const store = new AskingStore()
        let tree = emptyTree(store.storage)
        for (const { writes, many: directories } of commits) {
          tree = store.commit(tree, (edit) => {
            for (const { path: at, value, isDelete } of writes) {
              if (isDelete) edit.delete(at)
              else edit.set(at, value, { replace: true })
            }
            for (const { path: at, from, count, value } of directories) {
              for (let i = from; i < from + count; i++) edit.set([...at, `n${i}`], value, { replace: true })
            }
          })
        }
      }),
      { numRuns: 200 },
    )
  })

  test('knows nearly every node of ordinary commits', () => {
    const store = new AskingStore()
    let tree = emptyTree(store.storage)
    for (let commit = 0; commit < 20; commit++) {
      tree = store.commit(tree, (edit) => {
        for (let i = 0; i < 200; i++) {
          const digest = Buffer.from(
            sha256(Buffer.from(`${commit} ${i}`), 0, `${commit} ${i}`.length),
            'latin1',
          )
          const name = digest.toString('hex')
          edit.set([name.slice(0, 1), name.slice(1, 3), name], `${commit} ${i}`)
        }
      })
    }
    expect(store.newCount).toBeGreaterThan(4000)
    expect(store.knownCount).toBeGreaterThan(store.newCount * 0.95)
  })
})
