/** Proves that an object of a bundle is what its hash says, and what a writer would have made. */

import { readU64, writeU64 } from '@varve/pack/base'
import {
  type BodyView,
  commitDomain,
  decodeCommit,
  encodeCommit,
  hashCanonical,
  type IndexKind,
  listContentLength,
  listDomain,
  MalformedBody,
  nodeTotals,
  type RawHash,
  type RecordKind,
  readHash,
  recordKind,
  recordReferences,
  referenceCountOf,
  sha256,
  treeDomain,
  treeShape,
  validateNode,
  validatePart,
  validateTotals,
} from '@varve/pack/objects'
import type { ObjectFacts } from './object-table.ts'

/** Stands for an offset that is not known yet: only its form counts. */
const anyOffset = 8
const listHeaderSize = 16
const listEntrySize = 40

/** What a reference leads to. */
interface FoundObject {
  readonly kind: IndexKind
  readonly hash: RawHash
  /** `undefined`: it is said to be somewhere else. */
  readonly facts: ObjectFacts | undefined
}

export interface Finder {
  /** `undefined`: it is said to be somewhere else. @throws MalformedBody when there is no such object */
  find(kind: IndexKind, hash: RawHash): ObjectFacts | undefined
  /** The body of a node. */
  read(kind: IndexKind, hash: RawHash, place: number): BodyView
}

/** A body with room for its references, whose form is right. */
export interface FormedObject {
  readonly body: Buffer
  readonly referenceCount: number
  /** What is known of it from now on, but for its place. */
  readonly facts: Omit<ObjectFacts, 'place'>
}

/**
 * All but the hash of a large blob, which is that of its content.
 * @throws MalformedBody
 */
export function proveObject(
  {
    kind,
    hash,
    canonical,
  }: { readonly kind: RecordKind; readonly hash: RawHash; readonly canonical: Buffer },
  finder: Finder,
): FormedObject {
  proveHash(kind, hash, canonical)
  const n = referenceCountOf(kind, canonical, 0, canonical.length)
  const body = Buffer.alloc(canonical.length + 8 * n)
  canonical.copy(body)
  for (let i = 0; i < n; i++) writeU64(body, anyOffset, canonical.length + 8 * i)
  const view: BodyView = { buf: body, start: 0, end: body.length, referenceCount: n }
  proveForm(kind, hash, view)
  const references = recordReferences(kind, view).map((to) => {
    const found = readHash(body, to.hashStart)
    return { kind: to.kind, hash: found, facts: finder.find(to.kind, found) }
  })
  for (const [i, { facts }] of references.entries()) {
    if (facts !== undefined) writeU64(body, facts.place, canonical.length + 8 * i)
  }
  proveReferences(kind, view, references, finder)
  return { body, referenceCount: n, facts: factsOf(kind, view) }
}

/** What a body says of itself; of one whose form is right. */
export function factsOf(kind: RecordKind, view: BodyView): Omit<ObjectFacts, 'place'> {
  switch (kind) {
    case recordKind.node:
      return nodeTotals(view)
    case recordKind.list:
      return { count: view.buf[view.start] as number, bytes: listContentLength(view) }
    case recordKind.bigBlob:
      // No chunk of another one.
      return { count: 1, bytes: listContentLength(view) }
    default:
      return { count: 0, bytes: view.end - view.start - 8 * view.referenceCount }
  }
}

function proveHash(kind: RecordKind, hash: RawHash, canonical: Buffer): void {
  if (kind === recordKind.bigBlob) return
  const actual =
    kind === recordKind.blob
      ? sha256(canonical, 0, canonical.length)
      : hashCanonical(domainOf(kind), canonical)
  demand(actual === hash, 'an object has the hash of its content')
}

function domainOf(kind: RecordKind): typeof treeDomain {
  if (kind === recordKind.node) return treeDomain
  return kind === recordKind.commit ? commitDomain : listDomain
}

function proveForm(kind: RecordKind, hash: RawHash, view: BodyView): void {
  if (kind === recordKind.node) validateNode(view, treeShape)
  else if (kind === recordKind.list || kind === recordKind.bigBlob) listContentLength(view)
  else if (kind === recordKind.commit) {
    const fields = decodeCommit(view.buf, view.start, view.end)
    demand(encodeCommit(fields).hash === hash, 'a commit is in its canonical form')
  }
}

function proveReferences(
  kind: RecordKind,
  view: BodyView,
  references: readonly FoundObject[],
  finder: Finder,
): void {
  if (kind === recordKind.node) {
    validateTotals(view, (i) => references[i]?.facts)
    const isLeaf = view.buf[view.start] === 1
    if (isLeaf) return
    for (const [i, { kind: of, hash, facts }] of references.entries()) {
      if (facts !== undefined) validatePart(view, i, finder.read(of, hash, facts.place))
    }
  } else if (kind === recordKind.list || kind === recordKind.bigBlob) {
    const level = view.buf[view.start] as number
    for (const [i, { facts: below }] of references.entries()) {
      if (below === undefined) continue
      const length = readU64(view.buf, view.start + listHeaderSize + i * listEntrySize + 32)
      demand(below.bytes === length, 'an entry of a list is as long as what it names')
      demand(below.count === Math.max(0, level - 1), 'a list is one level above what it names')
    }
  }
}

function demand(condition: boolean, rule: string): asserts condition {
  if (!condition) throw new MalformedBody(`broken rule: ${rule}`)
}
