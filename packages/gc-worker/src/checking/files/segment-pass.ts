import { VarveError } from '@varve/pack/errors'
import { readFullySync } from '@varve/pack/fs'
import { fileName } from '@varve/pack/layout'
import { indexKindOf, rawToHex, readHash } from '@varve/pack/objects'
import {
  IndexBuilder,
  packHeaderSize,
  parseRecordHeader,
  recordFlag,
  recordHeaderSize,
  type Segment,
} from '@varve/pack/pack'
import type { PassTools } from './chunk-pass.ts'
import { RecordAt } from './record-at.ts'

/** The header page of a map, and up to where it says something; the rest is zero. */
const pageBytes = 4096
const mapHeaderBytes = 72
/** Runs are sorted by position in the file / 8 and number in one double: 2^25 positions, 2^28 numbers. */
const runNumbers = 2 ** 28
/** Read between two looks at the clock. */
const stepBytes = 256 * 1024

/** What a segment holds, as far as it is whole: for the comparison with its index. */
export interface ReadSegment {
  readonly builder: IndexBuilder
  readonly healed: readonly number[]
  readonly damage: readonly { readonly start: number; readonly end: number }[]
}

/** Proves a segment: that its map covers the file without gaps, and every record by its checksum. */
export class SegmentPass {
  readonly #o: PassTools
  readonly #segment: Segment
  readonly #name: string
  readonly #builder: IndexBuilder
  readonly #healed: number[] = []
  readonly #damage: { start: number; end: number }[] = []
  readonly #record = new RecordAt()
  #objects = 0
  #stepped = 0

  constructor(o: PassTools, segment: Segment) {
    this.#o = o
    this.#segment = segment
    this.#name = segment.file.name
    this.#builder = new IndexBuilder(o.entries)
  }

  /** @throws what `CheckPace.step` throws */
  async run(): Promise<ReadSegment> {
    const runs = new FileOrder(this.#segment, (error) => this.#mapDamaged(error))
    this.#checkMapHeader()
    this.#o.window.begin(this.#segment.file.handle)
    let end = packHeaderSize
    for (const run of runs.inFileOrder()) {
      if (run.position !== end) this.#uncovered(end)
      end = run.position + run.length
      await this.#run(run)
    }
    const { info } = this.#segment
    if (end !== info.bytes) this.#uncovered(end)
    await this.#o.pace.step(info.bytes - this.#stepped, info.bytes - this.#stepped)
    if (this.#damage.length === 0 && this.#objects !== info.objects) {
      const what = `it says that segment ${info.number} has ${info.objects} objects, and it has ${this.#objects}`
      this.#o.findings.warning(this.#o.layer.named(fileName.control), 0, what)
    }
    return { builder: this.#builder, healed: this.#healed, damage: this.#damage }
  }

  async #run(run: { readonly start: number; readonly position: number; readonly length: number }) {
    const end = run.position + run.length
    const offsetOf = (position: number): number => run.start + position - run.position
    for (let position = run.position; position < end; ) {
      if (this.#take(position, end, offsetOf(position))) {
        position += this.#record.size
      } else {
        const from = position
        position = await this.#nextWhole(position, end, offsetOf)
        this.#damaged(from, offsetOf(from), offsetOf(position))
      }
      await this.#step(position)
    }
  }

  async #nextWhole(from: number, end: number, offsetOf: (position: number) => number): Promise<number> {
    for (let position = from + 8; position < end; position += 8) {
      if (this.#isWhole({ position, end, offset: offsetOf(position) })) return position
      await this.#step(position)
    }
    return end
  }

  #take(position: number, end: number, offset: number): boolean {
    if (!this.#isWhole({ position, end, offset })) return false
    const record = this.#record
    const kind = indexKindOf(record.kind)
    this.#objects++
    if (kind !== undefined) this.#builder.add(kind, record.bytes, record.hashStart, offset, record.size)
    if ((record.flags & recordFlag.healed) !== 0) this.#healed.push(offset)
    this.#o.records.take(record, this.#name, position)
    return true
  }

  #isWhole(place: { position: number; end: number; offset: number }): boolean {
    try {
      return this.#record.take(this.#o.window, place)
    } catch (error) {
      if (VarveError.is(error, 'CORRUPT')) return false
      throw error
    }
  }

  #damaged(position: number, start: number, end: number): void {
    const { layer, findings, window } = this.#o
    const finding = findings.error(layer.named(this.#name), position, 'a record is damaged', false)
    const header = { kind: 0, flags: 0, referenceCount: 0, bodyLength: 0 }
    try {
      const at = window.at(position, recordHeaderSize)
      if (at >= 0 && parseRecordHeader(window.bytes, at, header)) {
        finding.hash = rawToHex(readHash(window.bytes, at + 16))
      }
    } catch (error) {
      if (!VarveError.is(error, 'CORRUPT')) throw error
    }
    this.#damage.push({ start, end })
    findings.cover({ prefix: layer.files.prefix, low: start, high: end, finding })
  }

  #mapDamaged(error: VarveError<'CORRUPT'>): void {
    const { layer, findings } = this.#o
    const { prefix } = layer.files
    const finding = findings.corrupt(prefix, error, 'a page of the map is damaged', false)
    const { low, high } = this.#segment
    this.#damage.push({ start: low, end: high })
    findings.cover({ prefix, low, high, finding })
  }

  /** Bytes that no run covers cannot be found by anybody. */
  #uncovered(position: number): void {
    if (this.#damage.length > 0) return
    const what = `its map does not cover the file from here on, or covers it twice`
    this.#o.findings.error(this.#o.layer.named(this.#name), position, what, false)
    this.#damage.push({ start: this.#segment.low, end: this.#segment.high })
  }

  #checkMapHeader(): void {
    const { mapFile } = this.#segment
    const bytes = Buffer.alloc(pageBytes)
    const read = readFullySync(mapFile.handle, bytes, 0, pageBytes, 0)
    for (let at = mapHeaderBytes; at < read; at++) {
      if (bytes[at] === 0) continue
      this.#o.findings.warning(this.#o.layer.named(mapFile.name), at, 'a byte that should be zero is not')
      return
    }
  }

  async #step(position: number): Promise<void> {
    const done = position - this.#stepped
    if (done < stepBytes) return
    this.#stepped = position
    await this.#o.pace.step(done, done)
  }
}

/** The runs of a segment by their places in the file, without an object for each. */
class FileOrder {
  readonly #starts: Float64Array
  readonly #lengths: Float64Array
  readonly #order: Float64Array

  constructor(segment: Segment, onDamaged: (error: VarveError<'CORRUPT'>) => void) {
    const runs = [...segment.runs(onDamaged)]
    this.#starts = Float64Array.from(runs, (run) => run.start)
    this.#lengths = Float64Array.from(runs, (run) => run.length)
    this.#order = Float64Array.from(runs, (run, i) => (run.position / 8) * runNumbers + i).sort()
  }

  *inFileOrder(): Generator<{ start: number; position: number; length: number }, void, undefined> {
    for (const key of this.#order) {
      const i = key % runNumbers
      const position = ((key - i) / runNumbers) * 8
      yield { start: this.#starts[i] as number, position, length: this.#lengths[i] as number }
    }
  }
}
