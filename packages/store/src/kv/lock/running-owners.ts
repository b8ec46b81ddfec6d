import { type FileSystem, NodeFileSystem } from '@varve/pack/fs'
import { OwnerJudge, readOwnerFile } from './owner-file.ts'
import { ProcessTable } from './process-table.ts'

/** Somebody who has a store open for writing, or is about to. */
export interface RunningOwner {
  readonly pid: number
  readonly since: Date
  /** As it calls itself; '' when it does not say. */
  readonly program: string
}

/**
 * Who has the store open for writing, as far as the owner files tell; nothing of the lock itself is touched.
 * One of another machine or container counts as running: nobody here can tell.
 */
export async function runningOwners(
  fileSystem: FileSystem,
  root: string,
  processes: ProcessTable = new ProcessTable(new NodeFileSystem()),
): Promise<RunningOwner[]> {
  const judge = new OwnerJudge(processes, await processes.self())
  const running: RunningOwner[] = []
  for (const name of await fileSystem.list(root)) {
    const found = await readOwnerFile(fileSystem, root, name)
    if (found === undefined || (await judge.stateOf(found)) === 'dead') continue
    running.push({ pid: found.pid, since: new Date(found.sinceMs), program: found.owner?.program ?? '' })
  }
  return running
}
