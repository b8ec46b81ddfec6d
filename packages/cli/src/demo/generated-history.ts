import type { Commit, Store } from '@varve/store'

const FOLDER_COUNT = 64
const FILES_PER_FOLDER = 64
const CHANGES_PER_COMMIT = 24

/** Commits that change some of 4,096 files each, the same in every run. */
export class GeneratedHistory {
  readonly #store: Store
  /** The branch that it goes on with. */
  readonly branch: string
  #state = 0x9e3779b9
  #commitCount = 0

  constructor(store: Store, branch: string) {
    this.#store = store
    this.branch = branch
  }

  commit(durability: 'commit' | 'flush'): Promise<Commit> {
    const number = ++this.#commitCount
    return this.#store.branch(this.branch).commit(
      (edit) => {
        for (let n = 0; n < CHANGES_PER_COMMIT; n++) edit.set(this.#path(), this.#content(number))
      },
      { message: `generated commit ${number}`, author: 'varve demonstration', durability },
    )
  }

  #path(): string {
    const file = this.#next(FOLDER_COUNT * FILES_PER_FOLDER)
    const folder = Math.floor(file / FILES_PER_FOLDER)
    return `generated/${folder.toString(16).padStart(2, '0')}/account-${file}.json`
  }

  #content(number: number): string {
    const entries = Array.from({ length: 4 + this.#next(12) }, () => ({
      amount: this.#next(100_000),
      in: number,
    }))
    return `${JSON.stringify(entries, undefined, 1)}\n`
  }

  /** A whole number below the bound: xorshift, from a fixed start. */
  #next(bound: number): number {
    this.#state ^= this.#state << 13
    this.#state ^= this.#state >>> 17
    this.#state ^= this.#state << 5
    return (this.#state >>> 0) % bound
  }
}
