/** A chunk in a folder: of the store, of a volume, or of a copy. */
export interface ChunkPlace {
  readonly folder: string
  readonly number: number
  /** Virtual offset of its byte 0. */
  readonly base: number
  /** In bytes; of an open chunk as far as its log goes. */
  readonly length: number
}
