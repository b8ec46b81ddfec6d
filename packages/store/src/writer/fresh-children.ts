import { type HighestReferences, highestReferences } from '@varve/pack/objects'

/**
 * Tells of most new nodes that they are new without looking their hash up. A node is new when it refers to an
 * object to which no node has referred in the same way (as a blob, as a directory, as a part of its own
 * directory): an equal node would have. Objects that were appended after the newest one so referred to are
 * such objects; writing children before parents and in the order of names makes that nearly always true of
 * what has changed.
 *
 * Sound for what this process has appended, which is all that lies above where it began: had an object been
 * there already, it would have been found by its hash and not appended. What was damaged and put again is
 * new, and a node over it written once more is no loss.
 */
export class FreshChildren {
  /** The highest offset so far to which a node refers; at least where this process began. */
  readonly #marks: HighestReferences
  readonly #highest: HighestReferences = { blob: 0, directory: 0, part: 0 }

  /** @param end of the log: what lies below may be referred to by anything */
  constructor(end: number) {
    this.#marks = { blob: end, directory: end, part: end }
  }

  /**
   * Whether the node is certainly new; it must be appended then. If not, its hash has to be looked up.
   */
  take(buf: Buffer, start: number, end: number, referenceCount: number): boolean {
    const marks = this.#marks
    const highest = this.#highest
    highestReferences({ buf, start, end, referenceCount }, highest)
    let isNew = false
    if (highest.blob > marks.blob) {
      marks.blob = highest.blob
      isNew = true
    }
    if (highest.directory > marks.directory) {
      marks.directory = highest.directory
      isNew = true
    }
    if (highest.part > marks.part) {
      marks.part = highest.part
      isNew = true
    }
    return isNew
  }
}
