import type { Measurement, Order } from '../measuring/measurement.ts'
import { measureBusyCollection } from './busy-collection.ts'
import { measureGrowth } from './growth.ts'
import { measureIdleCollection } from './idle-collection.ts'
import { measureLargeDirectory } from './large-directory.ts'
import { measureOverwriting } from './overwriting.ts'
import { measureFreshTrees, measureOneTree } from './reading.ts'

/** One workload, or a part of one, that has a process of its own. */
export interface Step {
  readonly name: string
  readonly about: string
  /** The store it works in, by a name within its round. */
  readonly store: string
  /** The store that this one begins as a copy of. */
  readonly copyOf?: string
  readonly measure: (order: Order) => Promise<Measurement>
}

/** In the order in which a round takes them: each finds what those before it left. */
export const steps: readonly Step[] = [
  { name: 'W1', about: 'new keys in many small directories', store: 'small', measure: measureGrowth },
  { name: 'W2', about: 'overwrites of them', store: 'small', measure: measureOverwriting },
  { name: 'W3 fresh', about: 'reads, a new tree for each', store: 'small', measure: measureFreshTrees },
  { name: 'W3 one', about: 'reads from one tree', store: 'small', measure: measureOneTree },
  {
    name: 'W4 idle',
    about: 'a collection with nothing else to do',
    store: 'idle',
    copyOf: 'small',
    measure: measureIdleCollection,
  },
  {
    name: 'W4 busy',
    about: 'a collection while small commits go on',
    store: 'busy',
    copyOf: 'small',
    measure: measureBusyCollection,
  },
  { name: 'W5', about: 'one large directory', store: 'large', measure: measureLargeDirectory },
]
