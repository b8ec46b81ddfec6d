import { throwIfAborted } from '@varve/pack/errors'
import type { Mode } from '@varve/store'
import { CommandFailure } from '../../terminal/index.ts'
import { type CommandContext, openForWriting, parseRevisionPath, userPath } from '../context/index.ts'
import { type CommitWords, commitInfo, showCommitted } from './commit-words.ts'

export interface SetOptions extends CommitWords {
  readonly mode: Mode
  readonly replace: boolean
}

/** Commits the content of a file, or of stdin, as one blob. A branch that is not there is made. */
export async function set(
  context: CommandContext,
  target: string,
  file: string | undefined,
  options: SetOptions,
): Promise<void> {
  const { revision, path, pathText } = parseRevisionPath(target)
  if (path.length === 0)
    throw new CommandFailure('USAGE', `${JSON.stringify(target)} names no path: BRANCH:PATH`)
  await openForWriting(context, async (store) => {
    const content =
      file === undefined || file === '-'
        ? context.host.stdin.read()
        : context.host.files.read(userPath(context, file))
    const blob = await store.putBlob(content, { signal: context.signal })
    const branch = store.branch(revision)
    const before = await branch.head()
    const { mode, replace } = options
    throwIfAborted(context.signal)
    const commit = await branch.commit(
      (edit) => {
        edit.setBlob(path, blob, { mode, replace })
      },
      commitInfo(context, options, `set ${pathText}`),
    )
    await showCommitted(context, revision, commit, commit.hash !== before?.hash)
  })
}
