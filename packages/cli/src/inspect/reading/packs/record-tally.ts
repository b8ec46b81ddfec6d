import { recordKind } from '@varve/pack/objects'
import { note, type Step } from '../../finding.ts'
import { nameOf } from '../../lines/records/body-lines.ts'

/** Counts records and their bytes by kind. */
export class RecordTally {
  readonly #kinds = new Map<number, { count: number; bytes: number }>()

  /** @param bytes with header and padding */
  add(kind: number, bytes: number): void {
    const tally = this.#kinds.get(kind) ?? { count: 0, bytes: 0 }
    tally.count++
    tally.bytes += bytes
    this.#kinds.set(kind, tally)
  }

  *notes(): Generator<Step> {
    for (const [kind, tally] of [...this.#kinds].sort(([a], [b]) => a - b)) {
      yield note({ type: 'records', kind: nameOf(recordKind, kind), ...tally })
    }
  }
}
