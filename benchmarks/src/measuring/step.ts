import type { Measurement, Order } from './measurement.ts'

/** A piece of work that has a process of its own. */
export interface Step {
  readonly name: string
  readonly about: string
  /** The folder it works in, by a name within its round. Steps of one folder find what those before left. */
  readonly folder: string
  /** The folder that this one begins as a copy of. */
  readonly copyOf?: string
  readonly measure: (order: Order) => Promise<Measurement>
}
