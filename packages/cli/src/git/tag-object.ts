/** Git's annotated tags: an object of their own that names another. */

import type { GitObjectType } from './git-id.ts'
import { decodeText } from './text.ts'

export interface GitTag {
  /** The id of what is tagged, hex. */
  readonly object: string
  readonly type: GitObjectType
  /** Without the signature's date; empty in very old tags, which have no tagger. */
  readonly tagger: string
  /** Milliseconds since 1970; `undefined` without a tagger. */
  readonly dateMs: number | undefined
  readonly message: string
}

/** `undefined` when the bytes are no tag. */
export function parseTag(content: Buffer): GitTag | undefined {
  const blank = content.indexOf('\n\n')
  const headers = content.toString('latin1', 0, blank < 0 ? content.length : blank).split('\n')
  const field = (key: string): string | undefined =>
    headers.find((line) => line.startsWith(`${key} `))?.slice(key.length + 1)
  const object = field('object')
  const type = field('type')
  if (object === undefined || !isObjectType(type)) return undefined
  const encoding = field('encoding')
  const tagger = /^(.*) (\d{1,13}) [+-]\d{4}$/s.exec(field('tagger') ?? '')
  return {
    object,
    type,
    tagger: decodeText(Buffer.from(tagger?.[1] ?? '', 'latin1'), encoding),
    dateMs: tagger === null ? undefined : Math.min(Number(tagger[2]) * 1000, 8.64e15),
    message: blank < 0 ? '' : decodeText(content.subarray(blank + 2), encoding),
  }
}

function isObjectType(text: string | undefined): text is GitObjectType {
  return text === 'blob' || text === 'tree' || text === 'commit' || text === 'tag'
}
