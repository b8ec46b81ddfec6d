/** History: walks over commits (log, ancestors, merge bases) and the text of revisions. Knows no refs. */
export { ancestorOffsets, type CommitLookup, isAncestor, mergeBases, type WalkSteps } from './ancestry.ts'
export { commitLog, type LogQuery } from './commit-log.ts'
export { isHashPrefix, parseRevision, type Revision, type RevisionStep } from './revision.ts'
