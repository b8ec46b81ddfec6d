import { VarveError } from '@varve/pack/errors'
import { hasCode } from '@varve/pack/fs'
import { fileName } from '@varve/pack/layout'
import type { Run } from '@varve/pack/pack'
import { FileBytes } from '../../file-bytes.ts'
import { readMap } from '../read-map.ts'
import type { Subject } from '../subject.ts'

/** 20 bytes each. More than a segment of 256 MiB can have records. */
const RUNS_MAX = 6_000_000
const FIRST_CAPACITY = 1024
const UNIT = 8

/** Where the records of a segment lie, as far as the map beside it can be read, in the order of the file. */
export class SegmentRuns {
  #starts = new Float64Array(FIRST_CAPACITY)
  /** Positions in the file and lengths, in units of 8 bytes. */
  #positions = new Uint32Array(FIRST_CAPACITY)
  #lengths = new Uint32Array(FIRST_CAPACITY)
  #count = 0
  /** Whether the whole map was read, and is what was written. */
  isWhole = true
  /** Of the segment, as the map's header says. */
  packLength: number | undefined

  static async beside({ fs, folder }: Subject, number: number): Promise<SegmentRuns> {
    const runs = new SegmentRuns()
    const name = fileName.segmentMap(number)
    try {
      const file = await FileBytes.open(fs, `${folder}/${name}`)
      try {
        for await (const { kind, line } of readMap({ fs, folder, name, file })) {
          if (line.type === 'damage' || line.type === 'problem') runs.isWhole = false
          if (line.type === 'map') runs.packLength = line['packLength'] as number
          if (kind === 'stretch' && line.type === 'runs') runs.#addAll(line['runs'] as number[][])
        }
      } finally {
        await file.close()
      }
    } catch (error) {
      if (!hasCode(error, 'ENOENT') && !VarveError.is(error, 'NEWER_FORMAT')) throw error
      runs.isWhole = false
    }
    return runs
  }

  *inFileOrder(): Generator<Run> {
    const positions = this.#positions
    const order = Uint32Array.from({ length: this.#count }, (_, i) => i)
    order.sort((a, b) => (positions[a] as number) - (positions[b] as number))
    for (const i of order) {
      yield {
        start: this.#starts[i] as number,
        position: (positions[i] as number) * UNIT,
        length: (this.#lengths[i] as number) * UNIT,
      }
    }
  }

  #addAll(runs: readonly (readonly number[])[]): void {
    for (const [start = 0, position = 0, length = 0] of runs) {
      if (this.#count === RUNS_MAX) {
        this.isWhole = false
        return
      }
      if (this.#count === this.#starts.length) this.#grow()
      this.#starts[this.#count] = start
      this.#positions[this.#count] = position / UNIT
      this.#lengths[this.#count] = length / UNIT
      this.#count++
    }
  }

  #grow(): void {
    const starts = new Float64Array(this.#count * 2)
    const positions = new Uint32Array(this.#count * 2)
    const lengths = new Uint32Array(this.#count * 2)
    starts.set(this.#starts)
    positions.set(this.#positions)
    lengths.set(this.#lengths)
    this.#starts = starts
    this.#positions = positions
    this.#lengths = lengths
  }
}
