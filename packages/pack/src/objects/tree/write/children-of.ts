import { readHash } from '../../raw-hash.ts'
import { readOffset } from '../node/field.ts'
import * as inner from '../node/inner.ts'
import { Subtree } from '../node/subtree.ts'
import type { EditFrame } from './frames.ts'

/** All children of an edited inner node that are not empty, by slot: the touched ones and the others. */
export function childrenOf({ body, slots, bits, touched }: EditFrame, buf: Buffer): Subtree[] {
  const children: Subtree[] = []
  let t = 0
  for (let slot = 0; slot < 1 << bits; slot++) {
    const next = touched[t]
    if (next?.slot === slot) {
      if (next.kind !== 'empty') children.push(next)
      t++
    } else if ((slots & (1 << slot)) !== 0) {
      children.push(untouched(body, inner.childIndex(slots, slot), { buf, slot }))
    }
  }
  return children
}

function untouched(
  body: EditFrame['body'],
  index: number,
  { buf, slot }: { buf: Buffer; slot: number },
): Subtree {
  const { start, end, n, children } = body
  const view = { buf, start, end, referenceCount: n }
  const hash = readHash(buf, inner.innerHashStart(start, index))
  const offset = readOffset(buf, end - 8 * (n - index))
  const child = new Subtree()
  const ref = { hash, offset, draft: children?.[index] }
  child.setNode(ref, inner.childCount(view, index), inner.childBytes(view, index))
  child.slot = slot
  return child
}
