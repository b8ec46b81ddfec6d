/**
 * The writer's own hold on work in progress. A pin is a virtual offset (an object that a stream or an import
 * still needs), or a position from which every object counts as kept. Pins are added and dropped in the same
 * synchronous section as the append they belong to, so a collection that holds the queue sees all of them.
 */
import { Float64List } from '@varve/pack/base'

export class PinRegistry {
  readonly #holders = new Set<PinHolder>()

  /** A new holder, empty. */
  open(): PinHolder {
    const holder: PinHolder = new PinHolder(() => this.#holders.delete(holder))
    this.#holders.add(holder)
    return holder
  }

  /** Every pinned offset now, in no order. */
  offsets(): Float64Array {
    let count = 0
    for (const holder of this.#holders) count += holder.count
    const all = new Float64Array(count)
    let at = 0
    for (const holder of this.#holders) at = holder.copyInto(all, at)
    return all
  }

  /** The lowest position from which everything is kept, or `undefined`. */
  keptFrom(): number | undefined {
    let lowest: number | undefined
    for (const holder of this.#holders) {
      const from = holder.keptFrom
      if (from !== undefined && (lowest === undefined || from < lowest)) lowest = from
    }
    return lowest
  }
}

/** The pins of one piece of work. */
export class PinHolder {
  readonly #forget: () => void
  readonly #offsets = new Float64List()
  #keptFrom: number | undefined

  constructor(forget: () => void) {
    this.#forget = forget
  }

  get count(): number {
    return this.#offsets.length
  }

  get keptFrom(): number | undefined {
    return this.#keptFrom
  }

  /** Keeps every object at or above `position`. */
  keepFrom(position: number): void {
    if (this.#keptFrom === undefined || position < this.#keptFrom) this.#keptFrom = position
  }

  add(offset: number): void {
    this.#offsets.push(offset)
  }

  /** Drops every single pin (not the position). */
  clear(): void {
    this.#offsets.clear()
  }

  /** Drops everything; idempotent. */
  release(): void {
    this.clear()
    this.#keptFrom = undefined
    this.#forget()
  }

  copyInto(target: Float64Array, at: number): number {
    target.set(this.#offsets.view(), at)
    return at + this.#offsets.length
  }
}
