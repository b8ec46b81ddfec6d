/**
 * A store that somebody else may be writing: its files opened only to read, and brought up to what the writer
 * has done since.
 */
export { FollowedFiles, type FollowedFilesParts, type NextView } from './followed-files.ts'
export { FollowedRefs, type RefMove } from './followed-refs.ts'
export { Follower, type FollowerParts } from './follower.ts'
export { GitCommitMap } from './git-commit-map.ts'
