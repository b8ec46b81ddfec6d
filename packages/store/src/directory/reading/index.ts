export { bytesOf, copyOfContent, loadContent, loadMany, readContent } from './content.ts'
export { entryAt, entryIn, modeNumber } from './entry.ts'
export { LazyCursor, pause } from './lazy-cursor.ts'
export { formatPath, notATree, parsePath } from './path.ts'
export {
  blamed,
  blobOf,
  findMode,
  findTarget,
  followNames,
  isDirectory,
  nodeOf,
  targetOfBlob,
  targetOfTree,
  totalsOf,
} from './stored-node.ts'
export { type HasTreeState, stateOf, type TreeState, type TreeStorage } from './tree-storage.ts'
