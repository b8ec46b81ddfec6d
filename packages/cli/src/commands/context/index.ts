/** What commands share: the open store, the arguments that name places in it, and how things read. */
export { type CommandContext, EXIT_FINDINGS } from './command-context.ts'
export {
  changeJson,
  changeLetter,
  changePath,
  commitJson,
  entryJson,
  modeLetters,
  oddBytes,
  shownPath,
} from './described.ts'
export { type ShownTag, shownTag, tagJson, tagLines, tagNamed } from './described-tag.ts'
export { nearName } from './near-name.ts'
export { createStore, openForReading, openForWriting, storeFolder, userPath } from './open-store.ts'
export {
  findCommit,
  findRoot,
  findTree,
  parsePath,
  parseRevisionPath,
  pathNotFound,
  type RevisionPath,
  refNotFound,
} from './revision-argument.ts'
