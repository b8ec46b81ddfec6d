export { finishSteps, paceSteps, restartable, type Steps, writeTree } from './overlay/index.ts'
export {
  formatPath,
  LazyCursor,
  parsePath,
  pause,
  stateOf,
  type TreeState,
  type TreeStorage,
} from './reading/index.ts'
export { emptyTree, StoredTree } from './stored-tree.ts'
export { changesOf, type DiffSide, diffTrees } from './tree-diff.ts'
