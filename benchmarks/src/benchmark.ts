/** One figure: what was measured, how much of it, in which unit. */
export interface Figure {
  readonly what: string
  readonly value: number
  readonly unit: string
}

/** A named piece of work that yields its figures as they become known. */
export interface Benchmark {
  /** As given on the command line: 'micro/checksum', 'w1'. */
  readonly name: string
  /** One sentence on what is done, with the sizes that matter. */
  readonly about: string
  run(): AsyncIterable<Figure> | Iterable<Figure>
}

/** How long `work` takes, in nanoseconds for each of its `count` steps, as the best of a few rounds. */
export function bestNanoseconds(count: number, work: () => void, rounds = 5): number {
  let best = Number.POSITIVE_INFINITY
  for (let round = 0; round < rounds; round++) {
    const before = process.hrtime.bigint()
    work()
    best = Math.min(best, Number(process.hrtime.bigint() - before) / count)
  }
  return best
}
