/**
 * What a file says of one stretch of its bytes, or besides: a line of JSON. Hashes and ids are hexadecimal,
 * bytes are base64, offsets are virtual; `position` and `size` say where in the file a stretch lies.
 */
export interface Finding {
  readonly type: string
  readonly [field: string]: unknown
}

/** What a reader of a file says, from its first byte to its last, without gaps; and notes between. */
export type Step =
  | { readonly kind: 'stretch'; readonly line: Finding; readonly bytes: Buffer }
  | { readonly kind: 'note'; readonly line: Finding }

export function stretch(line: Finding, bytes: Buffer): Step {
  return { kind: 'stretch', line, bytes }
}

export function note(line: Finding): Step {
  return { kind: 'note', line }
}

/** The file holds something that no writer writes, though no byte of it proves to be another. */
export function problem(what: string): Step {
  return note({ type: 'problem', what })
}
