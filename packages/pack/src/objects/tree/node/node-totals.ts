import type { BodyView } from '../../body-view.ts'
import { innerBytes, innerCount } from './inner.ts'
import { leafBytes, leafCount, leafForm } from './leaf.ts'

/** Entries and blob bytes below a node, which its body says. */
export interface NodeTotals {
  readonly count: number
  readonly bytes: number
}

export function nodeTotals(body: BodyView): NodeTotals {
  const { buf, start } = body
  if (buf[start] === leafForm) return { count: leafCount(buf, start), bytes: leafBytes(buf, start) }
  return { count: innerCount(body), bytes: innerBytes(body) }
}
