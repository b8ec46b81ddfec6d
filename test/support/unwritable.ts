import type { FileSystem } from '@varve/pack/fs'
import { InterceptedFileSystem, type Operation, type OperationKind, systemError } from '@varve/pack/testing'

const writing: ReadonlySet<OperationKind> = new Set<OperationKind>([
  ...(['create', 'mkdir', 'rename', 'link', 'remove', 'removeFolder', 'syncFolder'] as const),
  ...(['write', 'datasync', 'sync', 'truncate'] as const),
])

/** A file system on which nothing can be written, and what was asked of it all the same. */
export class Unwritable {
  readonly fileSystem: FileSystem
  readonly refused: Operation[] = []
  /** Bytes read out of files whose names match, since `forget`. */
  readonly #reads: { readonly path: string; readonly length: number }[] = []

  constructor(disk: FileSystem) {
    this.fileSystem = new InterceptedFileSystem(disk, {
      before: (operation) => {
        const { kind, mode, path, length } = operation
        if (kind === 'read') this.#reads.push({ path, length: length ?? 0 })
        if (!writing.has(kind) && (kind !== 'open' || mode === 'read')) return undefined
        this.refused.push(operation)
        return { kind: 'fail', error: systemError('EROFS', kind, path) }
      },
    })
  }

  bytesRead(names: RegExp = /./): number {
    return this.#reads.reduce((sum, { path, length }) => sum + (names.test(path) ? length : 0), 0)
  }

  forget(): void {
    this.#reads.length = 0
  }
}
