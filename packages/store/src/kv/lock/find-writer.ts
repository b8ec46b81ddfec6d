import { type FileSystem, NodeFileSystem } from '@varve/pack/fs'
import { OwnerJudge, readOwnerFile } from './owner-file.ts'
import { ProcessTable } from './process-table.ts'

/** A process that has a store open for writing. */
export interface Writer {
  readonly pid: number
  readonly since: Date
  /** For people. */
  readonly program: string
}

/**
 * Who has the store in this folder open for writing, or is just trying to; `undefined`: nobody as far as the
 * system can tell. Opens nothing in `lock/`, and decides nothing.
 */
export async function findWriter(
  root: string,
  o: { readonly fileSystem?: FileSystem; readonly processes?: ProcessTable } = {},
): Promise<Writer | undefined> {
  const { fileSystem = new NodeFileSystem(), processes = new ProcessTable(new NodeFileSystem()) } = o
  const judge = new OwnerJudge(processes, await processes.self())
  for (const name of await fileSystem.list(root)) {
    const found = await readOwnerFile(fileSystem, root, name)
    if (found === undefined || (await judge.stateOf(found)) === 'dead') continue
    return { pid: found.pid, since: new Date(found.sinceMs), program: found.owner?.program ?? '' }
  }
  return undefined
}
