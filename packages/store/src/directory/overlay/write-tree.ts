import { assert } from '@varve/pack/base'
import { type NodeRef, type NodeSink, storeDraftInSlices } from '@varve/pack/objects'
import type { Tree, TreeEdit } from '../../api/index.ts'
import { stateOf, type TreeStorage } from '../reading/index.ts'
import { rootIn } from './named-tree.ts'
import { OverlayEdit } from './overlay-edit.ts'
import { foreignNode } from './revalidate.ts'
import { restartable, type Steps } from './steps.ts'

/**
 * Gives to a store's sink all that a tree or an edit has and the store has not: blobs and nodes, children
 * first. What it stands on is proved live first. The result is true for the epoch in which the last step
 * ended: whenever the epoch changes while the work is suspended, it starts over. The root is that of the
 * start, by hash, when nothing changed. An edit must not be written to before the work has ended or been
 * returned. One of another store, or of another opening, is written like its tree: what it stands on must be
 * here, by hash.
 * @throws COLLECTED; STORE_CLOSED when the opening of an edit is over
 */
export function writeTree(source: Tree | TreeEdit, storage: TreeStorage, sink: NodeSink): Steps<NodeRef> {
  if (source instanceof OverlayEdit) {
    const isOurs = source.storage.instance === storage.instance
    return isOurs ? source.write(sink) : writeForeign(source, storage, sink)
  }
  const state = stateOf(source)
  assert(state !== undefined, 'a tree is one of this library')
  return restartable(
    () => storage.epoch(),
    () => storeDraftInSlices(sink, rootIn(storage, state)),
  )
}

function* writeForeign(edit: OverlayEdit, storage: TreeStorage, sink: NodeSink): Steps<NodeRef> {
  const root = yield* edit.drafted()
  return yield* restartable(
    () => storage.epoch(),
    () => storeDraftInSlices(sink, foreignNode(storage, root)),
  )
}
