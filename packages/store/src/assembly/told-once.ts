/** So many are remembered; of what lies further back the program is told again. */
const REMEMBERED_MAX = 4096

/** Remembers of what the program has been told, in bounded memory. */
export class ToldOnce {
  readonly #told = new Set<string>()

  /** Whether it is new; from now on it is not. */
  isNew(what: string): boolean {
    if (this.#told.has(what)) return false
    if (this.#told.size >= REMEMBERED_MAX) {
      const [oldest] = this.#told
      this.#told.delete(oldest as string)
    }
    this.#told.add(what)
    return true
  }
}
