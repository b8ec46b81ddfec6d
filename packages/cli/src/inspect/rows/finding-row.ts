/** A row of the table that people read: less than the line says, one thing a row. */
export interface FindingRow {
  /** In the file; `undefined` for what lies in the row above, and for notes. */
  readonly position?: number | undefined
  /** Virtual. */
  readonly offset?: number | undefined
  readonly what: string
  /** Bytes. */
  readonly size?: number | undefined
  /** Whole, or the beginning that an index has of it. */
  readonly hash?: string | undefined
  readonly facts: Facts
}

/** What is left to say, in order; `undefined` is not said. */
export type Facts = Readonly<Record<string, string | number | undefined>>
