import type { NodeReader, NodeRef, NodeSink } from '../../node-seam.ts'
import type { TreeChange } from '../entry.ts'
import type { TreeShape } from '../tree-shape.ts'
import { TreeWriter } from './tree-writer.ts'

/** One directory changed once; who changes many keeps a `TreeWriter`. See `TreeWriter.apply`. */
export function applyChanges(
  seam: { readonly reader: NodeReader; readonly sink: NodeSink; readonly shape: TreeShape },
  root: NodeRef | undefined,
  changes: readonly TreeChange[],
): NodeRef {
  return new TreeWriter(seam.reader, seam.sink, seam.shape).apply(root, changes)
}
