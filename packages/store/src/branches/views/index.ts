/** Branches, tags, and commits as those hold them who only read. */
export { BranchView } from './branch-view.ts'
export { CommitHandle } from './commit-handle.ts'
export { TagView } from './tag-view.ts'
