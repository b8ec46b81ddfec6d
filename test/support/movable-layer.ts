import type { FileSystem } from '@varve/pack/fs'
import {
  InterceptedFileSystem,
  type MemoryFileSystem,
  type Operation,
  type OperationKind,
  systemError,
} from '@varve/pack/testing'

/** Where a store's lower layer lies as the store knows it. */
export const lowerFolder = '/disk/lower'

/**
 * What is found there: the layer itself; nothing, as when it was renamed; an empty folder, as where a disk is
 * mounted; a folder that nobody may look into; an earlier copy of the layer; the layer of another store.
 */
export const layerPlaces = ['there', 'renamed', 'emptied', 'unreadable', 'older', 'other'] as const
export type LayerPlace = (typeof layerPlaces)[number]

const handleOperations: ReadonlySet<OperationKind> = new Set<OperationKind>([
  ...(['read', 'write', 'size', 'close', 'sync', 'datasync', 'truncate'] as const),
])

/** Where on the disk each of them is. */
export const placeFolders: Readonly<Record<LayerPlace, string>> = {
  there: lowerFolder,
  renamed: '/disk/nowhere/lower',
  emptied: '/disk/empty',
  unreadable: lowerFolder,
  older: '/disk/older',
  other: '/disk/other',
}

/**
 * A disk on which something else can take the place of the lower layer from one operation to the next. Files
 * that are open stay what they were, as on a disk, but for those that nobody may read any more.
 */
export class MovableLayer {
  readonly disk: MemoryFileSystem
  place: LayerPlace = 'there'
  /** Whether a file of the upper layer can get a second name in the lower one. */
  isOneFileSystem = true
  /** Operations on the lower layer since the count began. */
  count = 0
  #change: { readonly at: number; readonly to: LayerPlace } | undefined

  constructor(disk: MemoryFileSystem) {
    this.disk = disk
  }

  /** The disk as the store sees it. */
  get through(): FileSystem {
    return new InterceptedFileSystem(
      redirected(this.disk, (path) => this.#where(path)),
      {
        before: (operation) => this.#before(operation),
      },
    )
  }

  /** Before the operation of that number, from now on, the layer's place is taken by something else. */
  changeAt(at: number, to: LayerPlace): void {
    this.count = 0
    this.#change = { at, to }
  }

  get isChanged(): boolean {
    return this.place !== 'there'
  }

  #before(operation: Operation): { kind: 'fail'; error: Error } | undefined {
    const { kind, path, to } = operation
    if (!isLower(path) && !isLower(to)) return undefined
    if (this.#counts(kind) && this.count++ === this.#change?.at) this.place = this.#change.to
    const fail = (code: 'EACCES' | 'EXDEV'): { kind: 'fail'; error: Error } => ({
      kind: 'fail',
      error: systemError(code, kind, to ?? path),
    })
    if (this.place === 'unreadable' && kind !== 'close') return fail('EACCES')
    return kind === 'link' && !this.isOneFileSystem ? fail('EXDEV') : undefined
  }

  /** A file that is open stays what it was, so that a change shows at the next path. */
  #counts(kind: OperationKind): boolean {
    return this.#change?.to === 'unreadable' || !handleOperations.has(kind)
  }

  #where(path: string): string {
    return isLower(path) ? placeFolders[this.place] + path.slice(lowerFolder.length) : path
  }
}

function isLower(path: string | undefined): boolean {
  return path === lowerFolder || path?.startsWith(`${lowerFolder}/`) === true
}

/** The same file system, except that each path goes through the function. */
function redirected(inner: FileSystem, where: (path: string) => string): FileSystem {
  return new Proxy(inner, {
    get(target, key) {
      const value: unknown = Reflect.get(target, key, target)
      if (typeof value !== 'function') return value
      return (...given: unknown[]) =>
        Reflect.apply(
          value,
          target,
          given.map((each) => (typeof each === 'string' ? where(each) : each)),
        )
    },
  })
}
