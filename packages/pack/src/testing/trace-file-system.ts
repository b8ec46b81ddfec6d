import type { FileSystem } from '../fs/index.ts'
import { InterceptedFileSystem, type Operation } from './intercepted-file-system.ts'

/** An operation that was carried out, and the code of its error if it failed. */
export interface TracedOperation extends Operation {
  readonly error?: string
}

/** A file system that tells the sink about each operation after it ended, in the order of their ends. */
export function traceFileSystem(
  inner: FileSystem,
  sink: (operation: TracedOperation) => void,
): InterceptedFileSystem {
  return new InterceptedFileSystem(inner, {
    before: () => undefined,
    after: (operation, error) =>
      sink(error === undefined ? operation : { ...operation, error: codeOf(error) }),
  })
}

/**
 * One line of a golden trace: `write control.tmp @0+512`, `rename control.tmp -> control`, `sync
 * suffix-1.pack !EIO`. Paths are shown below the folder, so that traces of different folders compare.
 */
export function formatOperation(operation: TracedOperation, folder: string): string {
  const shorten = (path: string): string => {
    if (path === folder) return '.'
    return path.startsWith(`${folder}/`) ? path.slice(folder.length + 1) : path
  }
  const parts: string[] = [operation.kind, shorten(operation.path)]
  if (operation.to !== undefined) parts.push('->', shorten(operation.to))
  if (operation.mode !== undefined) parts.push(`(${operation.mode})`)
  if (operation.position !== undefined) parts.push(`@${operation.position}+${operation.length ?? 0}`)
  else if (operation.length !== undefined) parts.push(`to ${operation.length}`)
  if (operation.error !== undefined) parts.push(`!${operation.error}`)
  return parts.join(' ')
}

function codeOf(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown'
  return (error as NodeJS.ErrnoException).code ?? error.name
}
