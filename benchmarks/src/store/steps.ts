import type { Step } from '../measuring/step.ts'
import { measureBusyCollection } from './busy-collection.ts'
import { measureGrowth } from './growth.ts'
import { measureIdleCollection } from './idle-collection.ts'
import { measureLargeDirectory } from './large-directory.ts'
import { measureOverwriting } from './overwriting.ts'
import { measureFreshTrees, measureOneTree } from './reading.ts'

/** The workloads, in the order in which a round takes them: each finds what those before it left. */
export const steps: readonly Step[] = [
  { name: 'W1', about: 'new keys in many small directories', folder: 'small', measure: measureGrowth },
  { name: 'W2', about: 'overwrites of them', folder: 'small', measure: measureOverwriting },
  { name: 'W3 fresh', about: 'reads, a new tree for each', folder: 'small', measure: measureFreshTrees },
  { name: 'W3 one', about: 'reads from one tree', folder: 'small', measure: measureOneTree },
  {
    name: 'W4 idle',
    about: 'a collection with nothing else to do',
    folder: 'idle',
    copyOf: 'small',
    measure: measureIdleCollection,
  },
  {
    name: 'W4 busy',
    about: 'a collection while small commits go on',
    folder: 'busy',
    copyOf: 'small',
    measure: measureBusyCollection,
  },
  { name: 'W5', about: 'one large directory', folder: 'large', measure: measureLargeDirectory },
]
