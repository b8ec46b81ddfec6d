/**
 * The keys of a workload in the order in which they were first written, all equally long. They are kept as
 * text outside the heap, some 20 bytes each, so that they burden neither the memory nor the garbage collector
 * of what is measured.
 */
export class KeyTable {
  readonly count: number
  readonly #width: number
  readonly #text: Buffer

  constructor(paths: Iterable<readonly string[]>, count: number) {
    this.count = count
    let text = Buffer.alloc(0)
    let width = 0
    let end = 0
    for (const path of paths) {
      const key = path.join('/')
      if (end === 0) {
        width = key.length
        text = Buffer.alloc(count * width)
      }
      end += text.write(key, end, 'latin1')
    }
    if (end !== count * width) throw new Error(`${count} keys of ${width} characters take ${end}`)
    this.#text = text
    this.#width = width
  }

  path(index: number): readonly string[] {
    const start = index * this.#width
    return this.#text.toString('latin1', start, start + this.#width).split('/')
  }
}
