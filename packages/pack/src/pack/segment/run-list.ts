import { assert, writeU64, xxh64 } from '../../base/index.ts'
import {
  encodeMapHeader,
  fencesSeed,
  pageBytes,
  pageHeaderBytes,
  type Run,
  runBytes,
  runsPerPage,
} from './map-format.ts'

const capacityMin = 256
const unit = 8
const twoTo32 = 0x1_0000_0000

/** The runs of a segment under construction, in columns: 16 bytes each. They may come in any order. */
export class RunList {
  #starts = new Float64Array(capacityMin)
  /** Positions in the file and lengths, in units of 8 bytes. */
  #positions = new Uint32Array(capacityMin)
  #lengths = new Uint32Array(capacityMin)
  #count = 0

  get count(): number {
    return this.#count
  }

  /** Memory in use. */
  get bytes(): number {
    return this.#starts.length * 16
  }

  /** Adds a run, or lengthens the last one where the new one goes on in offsets and in the file. */
  add(run: Run): void {
    assert(
      run.start % unit === 0 && run.position % unit === 0 && run.length % unit === 0,
      'runs are multiples of 8',
    )
    assert(run.length > 0, 'a run is not empty')
    const last = this.#count - 1
    if (last >= 0) {
      const length = (this.#lengths[last] as number) * unit
      const goesOn = (this.#starts[last] as number) + length === run.start
      if (goesOn && (this.#positions[last] as number) * unit + length === run.position) {
        this.#lengths[last] = (length + run.length) / unit
        return
      }
    }
    this.#push(run)
  }

  /** The lowest virtual offset of all runs; they are not empty. */
  get low(): number {
    const starts = this.#starts
    const count = this.#count
    let low = Number.POSITIVE_INFINITY
    for (let i = 0; i < count; i++) if ((starts[i] as number) < low) low = starts[i] as number
    return low
  }

  /** Behind the highest one. */
  get high(): number {
    const starts = this.#starts
    const lengths = this.#lengths
    const count = this.#count
    let high = 0
    for (let i = 0; i < count; i++) {
      const end = (starts[i] as number) + (lengths[i] as number) * unit
      if (end > high) high = end
    }
    return high
  }

  /** The bytes of the map file; see docs/format.md. */
  encode(o: { readonly number: number; readonly storeId: Buffer; readonly packLength: number }): Buffer {
    const order = this.#sorted()
    const pageCount = Math.ceil(order.length / runsPerPage)
    const fencesAt = pageBytes * (1 + pageCount)
    const bytes = Buffer.alloc(fencesAt + pageCount * 8)
    for (let page = 0; page < pageCount; page++) this.#encodePage(bytes, order, page)
    for (let page = 0; page < pageCount; page++) {
      writeU64(bytes, this.#starts[order[page * runsPerPage] as number] as number, fencesAt + page * 8)
    }
    const fencesChecksum = xxh64(bytes, fencesAt, bytes.length, fencesSeed)
    encodeMapHeader({ ...o, runCount: order.length, pageCount, fencesChecksum }).copy(bytes, 0)
    return bytes
  }

  #encodePage(bytes: Buffer, order: Uint32Array, page: number): void {
    const at = pageBytes * (1 + page)
    const first = page * runsPerPage
    const count = Math.min(runsPerPage, order.length - first)
    const starts = this.#starts
    const positions = this.#positions
    const lengths = this.#lengths
    const view = new DataView(bytes.buffer, bytes.byteOffset + at, pageBytes)
    view.setUint32(8, count, true)
    for (let i = 0; i < count; i++) {
      const run = order[first + i] as number
      const start = starts[run] as number
      const place = pageHeaderBytes + i * runBytes
      view.setUint32(place, start >>> 0, true)
      view.setUint32(place + 4, Math.floor(start / twoTo32), true)
      view.setUint32(place + 8, positions[run] as number, true)
      view.setUint32(place + 12, lengths[run] as number, true)
    }
    bytes.writeBigUInt64LE(xxh64(bytes, at + 8, at + pageBytes, page), at)
  }

  /**
   * A sweep adds ascending stretches from high to low, so putting whole stretches in order nearly always
   * suffices.
   */
  #sorted(): Uint32Array {
    const starts = this.#starts
    const count = this.#count
    const stretches: number[] = []
    for (let i = 0; i < count; i++) {
      if (i === 0 || (starts[i] as number) < (starts[i - 1] as number)) stretches.push(i)
    }
    const ends = new Map(stretches.map((from, i) => [from, stretches[i + 1] ?? count]))
    stretches.sort((a, b) => (starts[a] as number) - (starts[b] as number))
    const order = new Uint32Array(count)
    let at = 0
    for (const from of stretches) {
      const end = ends.get(from) as number
      for (let i = from; i < end; i++) order[at++] = i
    }
    if (!this.#isAscending(order)) order.sort((a, b) => (starts[a] as number) - (starts[b] as number))
    this.#checkDisjoint(order)
    return order
  }

  #isAscending(order: Uint32Array): boolean {
    const starts = this.#starts
    for (let i = 1; i < order.length; i++) {
      if ((starts[order[i - 1] as number] as number) > (starts[order[i] as number] as number)) return false
    }
    return true
  }

  #checkDisjoint(order: Uint32Array): void {
    const starts = this.#starts
    const lengths = this.#lengths
    let isDisjoint = true
    for (let i = 1; i < order.length; i++) {
      const before = order[i - 1] as number
      const end = (starts[before] as number) + (lengths[before] as number) * unit
      if (end > (starts[order[i] as number] as number)) isDisjoint = false
    }
    assert(isDisjoint, 'a virtual offset lies in a segment once')
  }

  #push(run: Run): void {
    if (this.#count === this.#starts.length) this.#grow()
    this.#starts[this.#count] = run.start
    this.#positions[this.#count] = run.position / unit
    this.#lengths[this.#count] = run.length / unit
    this.#count++
  }

  #grow(): void {
    const capacity = this.#starts.length * 2
    const starts = new Float64Array(capacity)
    const positions = new Uint32Array(capacity)
    const lengths = new Uint32Array(capacity)
    starts.set(this.#starts)
    positions.set(this.#positions)
    lengths.set(this.#lengths)
    this.#starts = starts
    this.#positions = positions
    this.#lengths = lengths
  }
}
