import { recordKind } from '@varve/pack/objects'
import type { Finding } from './finding.ts'

const names: ReadonlyMap<number, string> = new Map(
  Object.entries(recordKind).map(([name, kind]) => [kind, name]),
)

/** 'blob', 'node', …; the number of a kind that is not known. */
export function kindName(kind: number): string {
  return names.get(kind) ?? String(kind)
}

/** Counts records and their bytes by kind. */
export class RecordTally {
  readonly #kinds = new Map<string, { count: number; bytes: number }>()

  /** @param bytes with header and padding */
  add(kind: number, bytes: number): void {
    const name = kindName(kind)
    const tally = this.#kinds.get(name) ?? { count: 0, bytes: 0 }
    tally.count++
    tally.bytes += bytes
    this.#kinds.set(name, tally)
  }

  *findings(): Generator<Finding> {
    for (const [kind, { count, bytes }] of this.#kinds) yield { type: 'records', kind, count, bytes }
  }
}
