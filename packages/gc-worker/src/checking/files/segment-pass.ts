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
      // Nearly all of them are whole: an `await` for each would cost more than its proof.
      for (let at = run.position; at < end; ) {
        at = this.#takeWhole(run, at)
        if (at < end) at = await this.#passDamage(run, at)
      }
      if (end - this.#stepped >= stepBytes) await this.#step(end)
    }
    const { info } = this.#segment
    if (end !== info.bytes) this.#uncovered(end)
    await this.#step(info.bytes)
    const objects = this.#builder.count
    if (this.#damage.length === 0 && objects !== info.objects) {
      const what = `it says that segment ${info.number} has ${info.objects} objects, and it has ${objects}`
      this.#o.findings.warning(this.#o.layer.named(fileName.control), 0, what)
    }
    return { builder: this.#builder, healed: this.#healed, damage: this.#damage }
  }

  /** Takes records from a position of the run on: gives its end, or the place of one that is damaged. */
  #takeWhole(run: FileRun, from: number): number {
    const end = run.position + run.length
    let position = from
    while (position < end && this.#take(position, end, run.start + position - run.position)) {
      position += this.#record.size
    }
    return position
  }

  /** The position of the next whole record of the run, or its end. */
  async #passDamage(run: FileRun, from: number): Promise<number> {
    const { start, position: first, length } = run
    const end = first + length
    let position = from + 8
    while (position < end && !this.#isWhole({ position, end, offset: start + position - first })) {
      position += 8
      if (position - this.#stepped >= stepBytes) await this.#step(position)
    }
    this.#damaged(from, start + from - first, start + position - first)
    return position
  }

  #take(position: number, end: number, offset: number): boolean {
    if (!this.#isWhole({ position, end, offset })) return false
    const record = this.#record
    const kind = indexKindOf(record.kind)
    if (kind !== undefined) this.#builder.add(kind, record.bytes, record.hashStart, offset, record.size)
    if ((record.flags & recordFlag.healed) !== 0) this.#healed.push(offset)
    this.#o.layer.noteInSegment(offset, record.bytes.subarray(record.at, record.at + record.size))
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
    const { file: mapFile } = this.#segment.map
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
    this.#stepped = position
    await this.#o.pace.step(done, done)
  }
}

interface FileRun {
  start: number
  position: number
  length: number
}

/** The runs of a segment by their places in the file, without an object for each. */
class FileOrder {
  readonly #starts: Float64Array
  readonly #lengths: Float64Array
  readonly #order: Float64Array

  constructor({ map }: Segment, onDamaged: (error: VarveError<'CORRUPT'>) => void) {
    this.#starts = new Float64Array(map.runCount)
    this.#lengths = new Float64Array(map.runCount)
    const order = new Float64Array(map.runCount)
    let count = 0
    map.forEachRun((start, position, length) => {
      this.#starts[count] = start
      this.#lengths[count] = length
      order[count] = (position / 8) * runNumbers + count
      count++
    }, onDamaged)
    this.#order = order.subarray(0, count).sort()
  }

  /** One object that is filled again. */
  *inFileOrder(): Generator<FileRun, void, undefined> {
    const run: FileRun = { start: 0, position: 0, length: 0 }
    for (const key of this.#order) {
      const i = key % runNumbers
      run.start = this.#starts[i] as number
      run.position = ((key - i) / runNumbers) * 8
      run.length = this.#lengths[i] as number
      yield run
    }
  }
}
