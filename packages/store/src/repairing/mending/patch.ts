/** Bytes of a chunk file by their position in it. */
export interface Patch {
  readonly start: number
  readonly end: number
  /** Themselves, or the path of the chunk file that has them in the same place. */
  readonly source: Buffer | string
  /** Of a record that is lost: all that they say is which one that was. */
  readonly isLost?: boolean | undefined
}

/** What is known of a damaged chunk. */
export interface ChunkMend {
  /** In ascending order. */
  readonly patches: readonly Patch[]
  /** Whether nothing else in the chunk is damaged. */
  readonly isAll: boolean
  /** Where damage starts of which only a part is mended. */
  readonly left: ReadonlySet<number>
  /** Path of another store that some of it comes from. */
  readonly from: string | undefined
}
