import {
  type EntryTarget,
  EntryView,
  entryMode,
  lookup,
  type NodeRef,
  type RawName,
  type TreeChange,
  type TreeWriter,
} from '@varve/pack/objects'
import type { ObjectMemory } from './object-memory.ts'

/** The changes of one commit by directory. */
export class DirectoryEdit {
  readonly #directories = new Map<RawName, DirectoryEdit>()
  readonly #targets = new Map<RawName, EntryTarget | undefined>()

  /** `undefined` deletes. */
  set(path: readonly RawName[], target: EntryTarget | undefined): void {
    let edit: DirectoryEdit = this
    for (let i = 0; i < path.length - 1; i++) edit = edit.#directory(path[i] as RawName)
    edit.#targets.set(path.at(-1) as RawName, target)
  }

  /** Writes the directories that change, from the bottom up; those that become empty go. */
  write(memory: ObjectMemory, writer: TreeWriter, root: NodeRef | undefined): NodeRef {
    const changes: TreeChange[] = []
    const view = new EntryView()
    for (const [name, edit] of this.#directories) {
      const isThere =
        root !== undefined && lookup(memory, root, name, view) && view.mode === entryMode.directory
      const old = isThere ? { hash: view.hash, offset: view.offset } : undefined
      const { hash, offset } = edit.write(memory, writer, old)
      const { count, bytes: size } = writer
      const target = { mode: entryMode.directory, size, count, hash, offset, draft: undefined }
      changes.push({ name, target: count === 0 ? undefined : target })
    }
    for (const [name, target] of this.#targets) changes.push({ name, target })
    changes.sort((a, b) => (a.name < b.name ? -1 : 1))
    return writer.apply(root, changes)
  }

  #directory(name: RawName): DirectoryEdit {
    let next = this.#directories.get(name)
    if (next === undefined) {
      next = new DirectoryEdit()
      this.#directories.set(name, next)
    }
    return next
  }
}
