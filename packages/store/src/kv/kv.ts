/** What is written in one step. Keys and values are well-formed text; a space's name is short ASCII. */
export type KvOperation =
  | { readonly kind: 'put'; readonly space: string; readonly key: string; readonly value: string }
  | { readonly kind: 'delete'; readonly space: string; readonly key: string }

export interface KvEntry {
  readonly key: string
  readonly value: string
}

/** Bounds are in the order of UTF-8 bytes. */
export interface KvRange {
  readonly gte?: string | undefined
  readonly lt?: string | undefined
  readonly prefix?: string | undefined
  readonly limit?: number | undefined
}

/** Something in the projections was found broken: they are to be rebuilt from the log. */
export interface KvDamage {
  /** For people. */
  readonly what: string
  readonly cause?: unknown
}

/**
 * Projections of the log, for queries: typed key spaces with a note of how much of the log they show. Never
 * the truth: whoever decides something reads the log. All that is damaged reads as absent and sets `damage`;
 * the owner then calls `clear` and projects the log again.
 *
 * One writer: the owner awaits each `batch` before the next one.
 */
export interface Kv {
  readonly kind: 'level' | 'memory'
  /** Why the projections live in memory although a folder was given. */
  readonly reason: string | undefined
  /** The first damage found since the last `clear`. */
  readonly damage: KvDamage | undefined
  /** Whose log was projected last; `undefined` when there is nothing. */
  storeId(): string | undefined
  /** Up to which virtual offset; `undefined` when there is nothing. */
  projectedTo(): number | undefined
  get(space: string, key: string): Promise<string | undefined>
  getSync(space: string, key: string): string | undefined
  /** All of it or nothing, with the new note. Rejects, and sets `damage`, when it cannot be written. */
  batch(operations: readonly KvOperation[], projectedTo: number): Promise<void>
  /** In the order of UTF-8 bytes, as it stands when the iteration begins. */
  range(space: string, range?: KvRange): AsyncIterable<KvEntry>
  /** Removes everything, the note and the damage too. */
  clear(): Promise<void>
  /** Waits for what is under way. Closing again does nothing. */
  close(): Promise<void>
}
