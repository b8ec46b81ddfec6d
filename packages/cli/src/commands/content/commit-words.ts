import type { Commit, CommitInfo } from '@varve/store'
import { firstLine } from '../../terminal/index.ts'
import { type CommandContext, commitJson } from '../context/index.ts'

/** What a writing command lets its user say about the commit. */
export interface CommitWords {
  readonly message?: string | undefined
  readonly author?: string | undefined
}

export function commitInfo(context: CommandContext, words: CommitWords, message: string): CommitInfo {
  return {
    message: words.message ?? message,
    author: words.author ?? context.host.environment['VARVE_AUTHOR'] ?? '',
    signal: context.signal,
  }
}

/** Says which commit a branch is at now. */
export async function showCommitted(
  { output }: CommandContext,
  branch: string,
  commit: Commit,
  isNew: boolean,
): Promise<void> {
  await output.document({ type: 'committed', branch, new: isNew, ...commitJson(commit) }, () => {
    if (!output.isForEyes) return [commit.hash]
    const verb = isNew ? 'is now at' : 'stays at'
    return [`${branch} ${verb} ${output.hash(commit.hash)} ${firstLine(commit.message)}`]
  })
}
