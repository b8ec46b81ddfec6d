import { assert } from '../../../base/index.ts'
import { nameSizeMax } from '../../names/raw-name.ts'
import type { TreeChange } from '../entry.ts'

/**
 * Changes in strictly ascending order of names, and what the writer asks of stretches [low, high) of them.
 */
export class ChangeList {
  readonly all: readonly TreeChange[]
  readonly #deleteCount: number

  constructor(changes: readonly TreeChange[]) {
    this.all = changes
    let deleteCount = 0
    let last = ''
    for (const { name, target } of changes) {
      assert(name > last, 'changes are strictly ascending by name')
      assert(name.length <= nameSizeMax, 'a name has at most 1,023 bytes')
      last = name
      if (target === undefined) deleteCount++
    }
    this.#deleteCount = deleteCount
  }

  get count(): number {
    return this.all.length
  }

  nameAt(index: number): string {
    return this.all[index]!.name
  }

  insertsIn(low: number, high: number): TreeChange[] {
    return this.all.slice(low, high).filter(({ target }) => target !== undefined)
  }

  hasInsert(low: number, high: number): boolean {
    for (let i = low; i < high; i++) if (this.all[i]!.target !== undefined) return true
    return false
  }

  deletesIn(low: number, high: number): number {
    if (this.#deleteCount === 0) return 0
    let count = 0
    for (let i = low; i < high; i++) if (this.all[i]!.target === undefined) count++
    return count
  }
}
