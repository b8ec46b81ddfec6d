/**
 * Reads Git repositories through the `git` command: histories as streams of objects, single objects by id,
 * and what the objects say. Everything that comes out has been proved against its id. Nothing here knows of a
 * store.
 */
export { type CommitFields, type GitCommit, gitExtra, parseCommit, rebuildCommit } from './commit-object.ts'
export { GitFailed } from './git-failed.ts'
export { type GitObjectType, gitId, type IdSize, idSizeOf, isGitId } from './git-id.ts'
export { ObjectFeed } from './object-feed.ts'
export { ObjectReader } from './object-reader.ts'
export { type GitObject, LARGE_BYTES, LargeObjectDamaged } from './object-stream.ts'
export { type GitRef, GitRepository } from './repository.ts'
export { type GitTag, parseTag } from './tag-object.ts'
export { decodeText, isUtf8 } from './text.ts'
export { type GitEntryKind, MalformedTree, TreeObjectReader } from './tree-object-reader.ts'
