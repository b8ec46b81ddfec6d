import type { Hash, Tree, TreeEdit } from '@varve/store'
import type { EditOp } from './model-ops.ts'
import type { ModelTree } from './model-store.ts'
import { sha256 } from './read-whole.ts'
import { seededBytes } from './seeded-bytes.ts'

/** Two contents of several chunks, of which they share the first. */
const large = seededBytes(21, 420_000)
const larger = Buffer.concat([large.subarray(0, 300_000), seededBytes(22, 200_000)])
const known = new Map<string, { readonly bytes: Uint8Array; readonly hash: Hash<'blob'> }>()

/** What a name of a content stands for. */
export function contentOf(name: string): { readonly bytes: Uint8Array; readonly hash: Hash<'blob'> } {
  const found = known.get(name)
  if (found !== undefined) return found
  const bytes = name === 'large' ? large : name === 'larger' ? larger : Buffer.from(`the content ${name}`)
  const made = { bytes, hash: sha256(bytes) as Hash<'blob'> }
  known.set(name, made)
  return made
}

export interface EditedTree {
  readonly tree: ModelTree
  /** Contents that were named by hash: they must be there. */
  readonly named: readonly string[]
  /** Trees that were put in. */
  readonly grafted: readonly number[]
}

/** What the edits make of a tree. `treeOf` gives the tree of a numbered commit. */
export function editModel(
  base: ModelTree,
  edits: readonly EditOp[],
  treeOf: (commit: number) => ModelTree | undefined,
): EditedTree {
  const tree = new Map(base)
  const named: string[] = []
  const grafted: number[] = []
  for (const edit of edits) {
    switch (edit.kind) {
      case 'set':
        place(tree, edit.path, { content: edit.content, mode: edit.isExecutable ? 'executable' : 'file' })
        break
      case 'set-blob':
        place(tree, edit.path, { content: edit.content, mode: 'file' })
        named.push(edit.content)
        break
      case 'delete':
        clear(tree, edit.path)
        break
      case 'fill':
        for (const path of pathsOfFill(edit)) place(tree, path, { content: edit.content, mode: 'file' })
        break
      case 'thin':
        for (const path of pathsOfThin(tree, edit)) tree.delete(path)
        break
      case 'graft':
        graft(tree, edit, treeOf, grafted)
        break
    }
  }
  return { tree, named, grafted }
}

/** What is put into a tree: by its handle, or else by its hash. */
export interface StoredTree {
  readonly model: ModelTree
  readonly hash: Hash<'tree'>
  readonly handle?: Tree | undefined
}

/**
 * The same with the store's own edit.
 * @param treeOf the tree of a numbered commit, `undefined` where there is none to put in
 */
export function editStore(
  edit: TreeEdit,
  before: ModelTree,
  edits: readonly EditOp[],
  treeOf: (commit: number) => StoredTree | undefined,
): void {
  let model = before
  for (const change of edits) {
    applyToStore(edit, model, change, treeOf)
    model = editModel(model, [change], (commit) => treeOf(commit)?.model).tree
  }
}

function applyToStore(
  edit: TreeEdit,
  model: ModelTree,
  change: EditOp,
  treeOf: Parameters<typeof editStore>[3],
): void {
  switch (change.kind) {
    case 'set': {
      const mode = change.isExecutable ? 'executable' : 'file'
      edit.set(change.path, contentOf(change.content).bytes, { mode, replace: true })
      return
    }
    case 'set-blob':
      edit.setBlob(change.path, contentOf(change.content).hash, { replace: true })
      return
    case 'delete':
      edit.delete(change.path)
      return
    case 'fill':
      for (const path of pathsOfFill(change))
        edit.set(path, contentOf(change.content).bytes, { replace: true })
      return
    case 'thin':
      for (const path of pathsOfThin(model, change)) edit.delete(path)
      return
    case 'graft': {
      const tree = treeOf(change.commit)
      if (tree === undefined || tree.model.size === 0) return
      for (const path of pathsAbove(change.path)) if (model.has(path)) edit.delete(path)
      edit.setTree(change.path, tree.handle ?? tree.hash)
      return
    }
  }
}

function place(tree: Map<string, ModelBlobOf>, path: string, blob: ModelBlobOf): void {
  clear(tree, path)
  for (const above of pathsAbove(path)) tree.delete(above)
  tree.set(path, blob)
}

type ModelBlobOf = ModelTree extends ReadonlyMap<string, infer B> ? B : never

/** Takes away what is at and below a path. */
function clear(tree: Map<string, ModelBlobOf>, path: string): void {
  tree.delete(path)
  for (const other of [...tree.keys()]) if (other.startsWith(`${path}/`)) tree.delete(other)
}

function graft(
  tree: Map<string, ModelBlobOf>,
  edit: Extract<EditOp, { kind: 'graft' }>,
  treeOf: (commit: number) => ModelTree | undefined,
  grafted: number[],
): void {
  const put = treeOf(edit.commit)
  if (put === undefined || put.size === 0) return
  clear(tree, edit.path)
  for (const above of pathsAbove(edit.path)) tree.delete(above)
  for (const [path, blob] of put) tree.set(`${edit.path}/${path}`, blob)
  grafted.push(edit.commit)
}

function pathsAbove(path: string): string[] {
  const names = path.split('/')
  return names.slice(1).map((_, index) => names.slice(0, index + 1).join('/'))
}

function pathsOfFill({ path, from, count }: Extract<EditOp, { kind: 'fill' }>): string[] {
  return Array.from({ length: count }, (_, n) => `${path}/${String(from + n).padStart(3, '0')}`)
}

function pathsOfThin(tree: ModelTree, { path, every }: Extract<EditOp, { kind: 'thin' }>): string[] {
  return [...tree.keys()]
    .filter((key) => key.startsWith(`${path}/`))
    .filter((_, index) => index % every === 0)
}
