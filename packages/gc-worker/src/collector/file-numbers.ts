import { VarveError } from '@varve/pack/errors'

/** Hands out the file numbers that were set aside for one collection, each once. */
export class FileNumbers {
  readonly #to: number
  #next: number

  constructor(range: { readonly from: number; readonly to: number }) {
    this.#next = range.from
    this.#to = range.to
  }

  /** @throws GC_FAILED when there are no more */
  readonly next = (): number => {
    if (this.#next < this.#to) return this.#next++
    const message = 'The collection has used all file numbers that were set aside for it'
    throw new VarveError('GC_FAILED', { reason: 'other' }, { message })
  }
}
