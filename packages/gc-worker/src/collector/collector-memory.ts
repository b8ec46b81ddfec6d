/** Part of the budget that marks have whatever the others need: with it a collection always goes on. */
const marksLeast = 1 / 16

/**
 * The one pool of bytes that marks, blocks, and copies of a collection share. Blocks and copies take what
 * they need, each within a bound of its own; marks have the rest, and beyond it go to the scratch file.
 */
export class CollectorMemory {
  readonly #bytesMax: number
  #others: () => number = () => 0
  #marks: () => number = () => 0
  #peakBytes = 0

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax
  }

  /** The most that was in use at once, as far as anybody has looked. */
  get peakBytes(): number {
    this.#look()
    return this.#peakBytes
  }

  /** Who tells how much is in use. */
  watch(o: { readonly marks: () => number; readonly others: () => number }): void {
    this.#marks = o.marks
    this.#others = o.others
  }

  /** Bytes that all sets of marks together may hold now. */
  leftForMarks(): number {
    return Math.max(this.#bytesMax * marksLeast, this.#bytesMax - this.#look())
  }

  /** What blocks and copies have in use. */
  #look(): number {
    const others = this.#others()
    this.#peakBytes = Math.max(this.#peakBytes, others + this.#marks())
    return others
  }
}
