/**
 * Histories from Git into a store: which refs, which objects, and what of them is there already. Writes to an
 * `ImportSink`; nothing is reachable before its last batch.
 */

export { importRepository, type RepositoryImport, type RepositoryReport } from './import-repository.ts'
export { gitCommitId, importedId } from './known-commits.ts'
export type { MovedRef } from './ref-moves.ts'
