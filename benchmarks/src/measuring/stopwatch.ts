/** Adds up timed sections and remembers how long each took; what lies between them is left out. */
export class Stopwatch {
  /** Milliseconds on the clock, one for each section. */
  readonly laps: number[] = []
  #processorMs = 0

  get wallMs(): number {
    return this.laps.reduce((sum, lap) => sum + lap, 0)
  }

  /** What all threads of this process used of all processors. */
  get processorMs(): number {
    return this.#processorMs
  }

  /** Times one section, synchronous or not. */
  async time<T>(work: () => T | Promise<T>): Promise<T> {
    const before = process.cpuUsage()
    const start = performance.now()
    const result = await work()
    this.laps.push(performance.now() - start)
    const used = process.cpuUsage(before)
    this.#processorMs += (used.user + used.system) / 1e3
    return result
  }
}
