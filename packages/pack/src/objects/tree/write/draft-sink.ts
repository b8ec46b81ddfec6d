import type { BodyView, Draft, DraftBlob, DraftNode } from '../../body-view.ts'
import { sha256 } from '../../content-hash.ts'
import type { BlobRef, NodeRef, NodeSink } from '../../node-seam.ts'
import type { RawHash } from '../../raw-hash.ts'

/** Keeps what it is given as drafts: trees in memory, over stored ones or from nothing. */
export class DraftSink implements NodeSink {
  putNode(
    hash: RawHash,
    body: Buffer,
    start: number,
    end: number,
    referenceCount: number,
    children: readonly Draft[] | undefined,
  ): NodeRef {
    return { hash, offset: 0, draft: draftNode(hash, { buf: body, start, end, referenceCount, children }) }
  }

  putBlob(content: Buffer): BlobRef {
    const hash = sha256(content, 0, content.length)
    const draft: DraftBlob = { kind: 'blob', hash, content: Buffer.from(content) }
    return { hash, offset: 0, size: content.length, draft }
  }
}

/** A draft with its own copy of the body. */
function draftNode(hash: RawHash, { buf, start, end, referenceCount, children }: BodyView): DraftNode {
  const copy = Buffer.allocUnsafe(end - start)
  buf.copy(copy, 0, start, end)
  return { kind: 'node', hash, buf: copy, start: 0, end: copy.length, referenceCount, children }
}
