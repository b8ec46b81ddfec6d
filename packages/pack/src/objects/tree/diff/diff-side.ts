import type { RawName } from '../../names/raw-name.ts'
import type { NodeReader, NodeRef } from '../../node-seam.ts'
import { readHash } from '../../raw-hash.ts'
import type { TreeChange } from '../entry.ts'
import { readOffset } from '../node/field.ts'
import * as inner from '../node/inner.ts'
import { draftOf, leafForm } from '../node/leaf.ts'
import { leafEntries } from '../node/leaf-editor.ts'
import { prefixSize } from '../node/name-bits.ts'
import { draftNode, openNode } from '../open-node.ts'

/** One of the two things compared: nothing, a node not read yet, an inner node, or some entries of a leaf. */
export type Side =
  | { readonly kind: 'none' }
  | { readonly kind: 'unread'; readonly ref: NodeRef }
  | InnerSide
  | EntriesSide

export interface InnerSide {
  readonly kind: 'inner'
  readonly at: number
  readonly bits: number
  /** The first `at` bits of all names below, padded with zero bits. */
  readonly prefix: RawName
  /** By slot; undefined where no name has it. */
  readonly children: readonly (NodeRef | undefined)[]
}

export interface EntriesSide {
  readonly kind: 'entries'
  readonly entries: readonly TreeChange[]
}

export const noSide: Side = { kind: 'none' }

export function unread(ref: NodeRef | undefined): Side {
  return ref === undefined ? noSide : { kind: 'unread', ref }
}

/** Entries as a side: none of them is nothing. */
export function entriesSide(entries: readonly TreeChange[]): Side {
  return entries.length === 0 ? noSide : { kind: 'entries', entries }
}

/** Reads a node that is not read yet. */
export function readSide(reader: NodeReader, side: Side): Exclude<Side, { kind: 'unread' }> {
  if (side.kind !== 'unread') return side
  const body = openNode(reader, side.ref)
  const { buf, start, end, referenceCount: n } = body
  if (buf[start] === leafForm) return { kind: 'entries', entries: leafEntries(body) }
  const bits = inner.innerBits(buf, start)
  const at = inner.innerAt(buf, start)
  const slots = inner.innerSlots(buf, start)
  const prefixStart = inner.innerPrefixStart(buf, start, n)
  const children: (NodeRef | undefined)[] = []
  let index = 0
  for (let slot = 0; slot < 1 << bits; slot++) {
    if ((slots & (1 << slot)) === 0) {
      children.push(undefined)
      continue
    }
    const draft = draftOf(body, index)
    const hash = readHash(buf, inner.innerHashStart(start, index))
    const offset = readOffset(buf, end - 8 * (n - index))
    children.push({ hash, offset, draft: draft === undefined ? undefined : draftNode(draft) })
    index++
  }
  return {
    kind: 'inner',
    at,
    bits,
    prefix: buf.toString('latin1', prefixStart, prefixStart + prefixSize(at)),
    children,
  }
}
