import { assert, type Float64List, readU64 } from '@varve/pack/base'
import { VarveError } from '@varve/pack/errors'
import { indexKindOf, recordKind } from '@varve/pack/objects'
import { type RecordView, recordFlag, recordHeaderSize } from '@varve/pack/pack'
import { type LogVisitor, refuseLost, type ScannedRecord, type SourceSpace } from '../source/index.ts'
import type { Healer } from './healer.ts'

export interface LogRootsOptions {
  /**
   * R': what lies below is swept; records above stay where they are, and are only read for what they refer
   * to.
   */
  readonly limit: number
  /** Every object from here on counts as kept, and every touch holds what it names. */
  readonly keepFrom: number
  /** Bare puts and touches of batches later than this count as kept, wherever they lie. */
  readonly youngAfterMs: number
  /** A root below the limit. */
  readonly mark: (offset: number) => void
  readonly metadata: (record: ScannedRecord) => void
  /** A commit above the limit. */
  readonly commit: ((record: ScannedRecord) => void) | undefined
  /** Pairs of offset and time: held for their age by records that are about to go. */
  readonly carried: Float64List
  readonly healer: Healer
  /** An offset that a touch names which is about to go: a volume that needs it must get it. */
  readonly reach?: ((offset: number) => void) | undefined
  /** Where a virtual offset lies, for an error. */
  readonly placeOf: (offset: number) => { readonly file: string; readonly offset: number }
  readonly count: (records: number) => void
}

/** Finds the roots in a stretch of the log: what its records hold below the limit. */
export class LogRoots implements LogVisitor {
  readonly #o: LogRootsOptions

  constructor(options: LogRootsOptions) {
    this.#o = options
  }

  readonly record = (record: ScannedRecord, timeMs: number): void => {
    this.#o.count(1)
    if (record.kind === recordKind.meta) this.#o.metadata(record)
    else if (record.kind === recordKind.touch) this.#touch(record, timeMs)
    else this.#object(record, timeMs)
  }

  /**
   * A damaged object that is copied is healed when its turn comes. One that stays where it is must not lose
   * the copy that may heal it later, nor what it refers to; where neither is known, nothing may be collected.
   * What a damaged record of metadata held nobody can say.
   */
  readonly damaged = async (record: ScannedRecord, timeMs: number): Promise<void> => {
    const { offset } = record
    if (indexKindOf(record.kind) === undefined) throw this.#corrupt(offset)
    if (offset < this.#o.limit) {
      if (offset >= this.#o.keepFrom) this.#o.mark(offset)
      if ((record.flags & recordFlag.bare) !== 0) this.young(offset, timeMs, true)
      return
    }
    const { healer } = this.#o
    const copy = await healer.copyElsewhere(record.bytes, record.at, offset)
    if (copy !== undefined) return this.#o.mark(copy)
    if (record.referenceCount === 0) return
    const repaired = healer.repaired(record.bytes, record.at, offset)
    if (repaired === undefined) throw this.#corrupt(offset)
    this.#markReferences(repaired, recordHeaderSize + record.bodyLength, record.referenceCount)
  }

  /**
   * The same for a chunk below the limit of which the index has told already what holds objects: only what
   * counts as kept itself is left, touches included, as they go on holding what they name.
   */
  readonly keptOnly: Pick<LogRoots, 'record' | 'damaged'> = {
    record: (record) => {
      this.#o.count(1)
      if (record.kind !== recordKind.meta && record.offset >= this.#o.keepFrom) this.#o.mark(record.offset)
    },
    damaged: async ({ kind, offset }) => {
      if (indexKindOf(kind) === undefined) throw this.#corrupt(offset)
      if (offset >= this.#o.keepFrom) this.#o.mark(offset)
    },
  }

  readonly lost: LogVisitor['lost'] = refuseLost

  /** What the index of a chunk lists where the chunk itself cannot be scanned. */
  async listed(offset: number, source: SourceSpace): Promise<void> {
    if (offset < this.#o.limit) {
      if (offset >= this.#o.keepFrom) this.#o.mark(offset)
      return
    }
    let view: RecordView
    try {
      view = source.reader.record(offset)
    } catch (error) {
      if (!VarveError.is(error, 'CORRUPT')) throw error
      const copy = await this.#o.healer.copyOf(offset)
      if (copy === undefined) throw error
      return this.#o.mark(copy)
    }
    this.#markReferences(view.buf, view.bodyEnd, view.referenceCount)
  }

  /**
   * An object held for its age. `isCarried`: what says so goes with this collection, so the next one must be
   * told.
   */
  young(offset: number, timeMs: number, isCarried: boolean): void {
    if (timeMs <= this.#o.youngAfterMs || offset >= this.#o.limit) return
    this.#o.mark(offset)
    if (!isCarried) return
    this.#o.carried.push(offset)
    this.#o.carried.push(timeMs)
  }

  #object(record: ScannedRecord, timeMs: number): void {
    const { offset } = record
    if (offset >= this.#o.limit) {
      this.#markReferences(record.bytes, record.bodyEnd, record.referenceCount)
      if (record.kind === recordKind.commit) this.#o.commit?.(record)
    } else if (offset >= this.#o.keepFrom) {
      this.#o.mark(offset)
    }
    if ((record.flags & recordFlag.bare) !== 0) this.young(offset, timeMs, offset < this.#o.limit)
  }

  #touch(record: ScannedRecord, timeMs: number): void {
    const held = readU64(record.bytes, record.bodyEnd - 8)
    if (record.offset >= this.#o.limit) {
      this.#o.mark(held)
      return
    }
    // Copied like an object of its place, it goes on holding what it names.
    if (record.offset >= this.#o.keepFrom) this.#o.mark(record.offset)
    this.#o.reach?.(held)
    this.young(held, timeMs, true)
  }

  #markReferences(bytes: Buffer, end: number, count: number): void {
    const { mark } = this.#o
    for (let at = end - 8 * count; at < end; at += 8) mark(readU64(bytes, at))
  }

  #corrupt(offset: number): VarveError {
    assert(offset > 0, 'a record has an offset')
    return new VarveError('CORRUPT', this.#o.placeOf(offset))
  }
}
