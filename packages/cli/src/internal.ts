/**
 * For tests of this project. Not part of any public interface: it changes whenever it must. The command
 * itself is `varve`.
 */
export {
  type CheckoutReport,
  checkout,
  foldedName,
  type NameFolding,
  planCheckout,
  probeFolding,
  type UnlikeGit,
} from './checkout/index.ts'
export { run } from './commands/index.ts'
export { candidatesFor, completionScript, shells } from './completion/index.ts'
export { GitRepository, gitExtra, rebuildCommit } from './git/index.ts'
export { gitCommitId, importedId } from './git-import/index.ts'
export type { Host, HostInput, HostOutput } from './host/index.ts'
export { NodeFiles } from './host/index.ts'
