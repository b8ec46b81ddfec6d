import { assert } from '@varve/pack/base'
import { VarveError } from '@varve/pack/errors'
import { hexToRaw, type NodeRef, type RawHash, rawToHex } from '@varve/pack/objects'
import type { Hash, Tree } from '../../api/index.ts'
import { stateOf, type TreeState, type TreeStorage } from '../reading/index.ts'
import { foreignNode, liveNode } from './revalidate.ts'

/**
 * The root node, live in this store, of a tree that a caller named: by hash, or by a handle that may be older
 * than the last collection or of another opening.
 * @throws COLLECTED when this store does not hold it, INVALID_HASH
 */
export function namedTree(storage: TreeStorage, tree: Tree | Hash<'tree'>): NodeRef {
  if (typeof tree === 'string') return treeByHash(storage, hexToRaw(tree))
  const state = stateOf(tree)
  assert(state !== undefined, 'a tree is one of this library')
  return rootIn(storage, state)
}

/**
 * Where the root node of a tree is in this store now.
 * @throws COLLECTED
 */
export function rootIn(storage: TreeStorage, { storage: home, root, epoch }: TreeState): NodeRef {
  if (home.instance === storage.instance) return epoch === storage.epoch() ? root : liveNode(storage, root)
  return foreignNode(storage, root)
}

function treeByHash(storage: TreeStorage, hash: RawHash): NodeRef {
  const found = storage.findTree(hash)
  if (found === undefined) throw new VarveError('COLLECTED', { hash: rawToHex(hash) })
  return found
}
