import { measureGetSync, measurePut } from './database.ts'
import {
  measureCatFile,
  measureDroppingCollection,
  measureImport,
  measureOverwritingImport,
  measureWholeCollection,
} from './repository.ts'
import type { Yardstick } from './yardstick.ts'

const database = { folder: 'database', needsGit: false, isHeavy: false } as const
const repository = { folder: 'repository', needsGit: true, isHeavy: false } as const

/** In the order in which a round takes them: each finds what those before it left. */
export const yardsticks: readonly Yardstick[] = [
  { ...database, name: 'put', about: 'new keys in LevelDB', behind: 'W1', measure: measurePut },
  {
    ...repository,
    name: 'fast-import W1',
    about: "W1's commits into Git",
    behind: 'W1',
    measure: measureImport,
  },
  { ...database, name: 'getSync', about: 'reads from LevelDB', behind: 'W3 fresh', measure: measureGetSync },
  {
    ...repository,
    name: 'cat-file',
    about: 'reads from Git',
    behind: 'W3 fresh',
    measure: measureCatFile,
  },
  {
    // Behind the reads, which are from the one pack of W1.
    ...repository,
    name: 'fast-import W2',
    about: "W2's commits into Git",
    behind: 'W3 one',
    measure: measureOverwritingImport,
  },
  {
    ...repository,
    name: 'gc dropped',
    about: 'a collection by Git that keeps the last tree',
    folder: 'dropped',
    copyOf: 'repository',
    behind: 'W4 idle',
    measure: measureDroppingCollection,
  },
  {
    ...repository,
    name: 'gc all',
    about: 'a collection by Git that keeps everything',
    folder: 'collected',
    copyOf: 'repository',
    behind: 'W4 busy',
    isHeavy: true,
    measure: measureWholeCollection,
  },
]
