import { VarveError } from '@varve/pack/errors'

/** A directory of the model: what an entry of the tree should be, in the plainest way there is. */
export type ModelDirectory = Map<string, ModelDirectory | string>

/** Codes of the failures that a model's call predicts. */
export type ModelFailure = 'IS_A_TREE' | 'NOT_A_TREE'

export class ModelError extends Error {
  readonly code: ModelFailure

  constructor(code: ModelFailure) {
    super(code)
    this.code = code
  }
}

/** A tree as nested maps, text names, text content: slow, obvious, and the measure of the real one. */
export class TreeModel {
  readonly root: ModelDirectory = new Map()

  get(path: readonly string[]): ModelDirectory | string | undefined {
    let at: ModelDirectory | string | undefined = this.root
    for (const name of path) at = typeof at === 'object' ? at.get(name) : undefined
    return at
  }

  set(path: readonly string[], value: string, replace: boolean): void {
    const name = path.at(-1)
    if (name === undefined) throw new ModelError('IS_A_TREE')
    this.#check(path, replace)
    if (!replace && typeof this.get(path) === 'object') throw new ModelError('IS_A_TREE')
    this.#make(path).set(name, value)
  }

  setTree(path: readonly string[], tree: ModelDirectory): void {
    const name = path.at(-1)
    if (name === undefined) {
      this.root.clear()
      for (const [key, value] of copyOf(tree)) this.root.set(key, value)
      return
    }
    this.#check(path, false)
    this.#make(path).set(name, copyOf(tree))
  }

  delete(path: readonly string[]): void {
    const name = path.at(-1)
    if (name === undefined) this.root.clear()
    if (this.get(path) === undefined) return
    for (let depth = path.length; depth > 0; depth--) {
      const above = this.get(path.slice(0, depth - 1)) as ModelDirectory
      above.delete(path[depth - 1] as string)
      if (above.size > 0) return
    }
  }

  /**
   * Blobs and empty directories by path, in the order of the walk; the value of an empty directory is
   * undefined.
   */
  leaves(): Map<string, string | undefined> {
    const found = new Map<string, string | undefined>()
    const visit = (directory: ModelDirectory, path: readonly string[]): void => {
      if (directory.size === 0 && path.length > 0) found.set(path.join('/'), undefined)
      for (const [name, value] of sorted(directory)) {
        if (typeof value === 'string') found.set([...path, name].join('/'), value)
        else visit(value, [...path, name])
      }
    }
    visit(this.root, [])
    return found
  }

  /** Every path with everything there, directories before what they hold, in the order of the walk. */
  paths(): string[] {
    const found: string[] = []
    const visit = (directory: ModelDirectory, path: readonly string[]): void => {
      for (const [name, value] of sorted(directory)) {
        found.push([...path, name].join('/'))
        if (typeof value === 'object') visit(value, [...path, name])
      }
    }
    visit(this.root, [])
    return found
  }

  #check(path: readonly string[], replace: boolean): void {
    for (let depth = 1; depth < path.length; depth++) {
      const at = this.get(path.slice(0, depth))
      if (at === undefined) return
      if (typeof at === 'string' && !replace) throw new ModelError('NOT_A_TREE')
    }
  }

  #make(path: readonly string[]): ModelDirectory {
    let at = this.root
    for (const name of path.slice(0, -1)) {
      const below = at.get(name)
      const next: ModelDirectory = typeof below === 'object' ? below : new Map()
      at.set(name, next)
      at = next
    }
    return at
  }
}

export function copyOf(directory: ModelDirectory): ModelDirectory {
  const copy: ModelDirectory = new Map()
  for (const [name, value] of directory) copy.set(name, typeof value === 'string' ? value : copyOf(value))
  return copy
}

/** By bytes of the names. */
export function sorted(directory: ModelDirectory): [string, ModelDirectory | string][] {
  return [...directory].sort(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
}

/** What a call of the real thing does: nothing, or one of the failures that the model knows. */
export function outcomeOf(call: () => unknown): ModelFailure | 'done' {
  try {
    call()
    return 'done'
  } catch (error) {
    if (error instanceof ModelError) return error.code
    if (VarveError.is(error, 'IS_A_TREE') || VarveError.is(error, 'NOT_A_TREE')) return error.code
    throw error
  }
}
