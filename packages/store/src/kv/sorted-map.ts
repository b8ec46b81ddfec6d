/** A run of more keys than this is split in two. */
const runLengthMax = 512

/** Text by text, in the order of code units: a map beside sorted runs of its keys. */
export class SortedMap {
  readonly #values = new Map<string, string>()
  /** None is empty; every key of a run is below every key of the next one. */
  readonly #runs: string[][] = []

  get size(): number {
    return this.#values.size
  }

  get(key: string): string | undefined {
    return this.#values.get(key)
  }

  set(key: string, value: string): void {
    if (!this.#values.has(key)) this.#insert(key)
    this.#values.set(key, value)
  }

  delete(key: string): void {
    if (!this.#values.delete(key)) return
    const at = this.#runFor(key)
    const run = this.#runs[at] as string[]
    run.splice(firstAtLeast(run, key), 1)
    if (run.length === 0) this.#runs.splice(at, 1)
  }

  /** The entries from the key on. The map must not change meanwhile. */
  *from(key: string): Generator<[string, string]> {
    for (let at = this.#runFor(key); at < this.#runs.length; at++) {
      const run = this.#runs[at] as string[]
      for (let i = firstAtLeast(run, key); i < run.length; i++) {
        const next = run[i] as string
        yield [next, this.#values.get(next) as string]
      }
    }
  }

  #insert(key: string): void {
    if (this.#runs.length === 0) this.#runs.push([])
    const at = this.#runFor(key)
    const run = this.#runs[at] as string[]
    run.splice(firstAtLeast(run, key), 0, key)
    if (run.length > runLengthMax) this.#runs.splice(at + 1, 0, run.splice(run.length >>> 1))
  }

  /** The last run whose first key is not above the key; the first run when there is none. */
  #runFor(key: string): number {
    let low = 0
    let high = this.#runs.length
    while (high - low > 1) {
      const middle = (low + high) >>> 1
      const first = this.#runs[middle]?.[0]
      if (first !== undefined && first <= key) low = middle
      else high = middle
    }
    return low
  }
}

function firstAtLeast(run: readonly string[], key: string): number {
  let low = 0
  let high = run.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((run[middle] as string) < key) low = middle + 1
    else high = middle
  }
  return low
}
