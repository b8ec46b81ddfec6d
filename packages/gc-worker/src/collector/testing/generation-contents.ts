import { readFullySync } from '@varve/pack/fs'
import { fileName } from '@varve/pack/layout'
import { type IndexKind, indexKindOf, readHash } from '@varve/pack/objects'
import {
  BlockCache,
  FileRetirer,
  IndexFile,
  type RecordHeader,
  recordFlag,
  Segment,
  verifyRecord,
} from '@varve/pack/pack'
import { expect } from 'vitest'
import type { SegmentPlace } from '../../job/index.ts'
import { type SmallStore, storeId } from './small-store.ts'

/** What a generation holds, read back from its files and proved. */
export interface GenerationContents {
  /** Offsets of all records, ascending; none twice. */
  readonly offsets: readonly number[]
  readonly healed: readonly number[]
  /** Objects held for their age, with the time. */
  readonly touched: readonly (readonly [offset: number, time: number])[]
  readonly bytesOf: (offset: number) => Buffer
}

/** Reads every segment through its map, proves every record, and compares the indexes with what is there. */
export async function readGeneration(
  store: SmallStore,
  segments: readonly SegmentPlace[],
): Promise<GenerationContents> {
  const bytes = new Map<number, Buffer>()
  const healed: number[] = []
  const touched: (readonly [number, number])[] = []
  const { fs, dir: folder } = store
  const cache = new BlockCache({ bytesMax: 1 << 20 })
  const retirer = new FileRetirer(fs, (_, error) => {
    throw error
  })
  for (const info of segments) {
    const segment = await Segment.open(fs, { folder, info, storeId, cache, retirer })
    const name = fileName.segmentIndex(info.number)
    const index = await IndexFile.open(fs, { folder, name, number: info.number, storeId, cache, retirer })
    if (index === undefined) throw new TypeError('a segment has an index')
    let objectCount = 0
    for (const run of segment.runs()) {
      const run_ = Buffer.alloc(run.length)
      expect(readFullySync(segment.file.handle, run_, 0, run.length, run.position)).toBe(run.length)
      for (let at = 0; at < run.length; ) {
        const header: RecordHeader = { kind: 0, flags: 0, referenceCount: 0, bodyLength: 0 }
        const offset = run.start + at
        const size = verifyRecord(run_, at, run.length - at, offset, header)
        expect(size, `record at ${offset}`).toBeGreaterThan(0)
        expect(bytes.has(offset), `second copy at ${offset}`).toBe(false)
        expect(offset).toBeGreaterThanOrEqual(info.low)
        expect(offset).toBeLessThan(info.high)
        bytes.set(offset, run_.subarray(at, at + size))
        const kind = indexKindOf(header.kind) as IndexKind | undefined
        if (kind !== undefined) {
          objectCount++
          expect(index.candidates(kind, readHash(run_, at + 16))).toContain(offset)
        }
        if ((header.flags & recordFlag.healed) !== 0) healed.push(offset)
        at += size
      }
    }
    expect(index.count).toBe(objectCount)
    expect([...index.healedOffsets()].sort((a, b) => a - b)).toEqual(
      healed.filter((offset) => segment.locate(offset) >= 0).sort((a, b) => a - b),
    )
    const list = index.touched()
    for (const [i, offset] of list.offsets.entries()) touched.push([offset, list.times[i] as number])
    index.release()
    segment.release()
  }
  await retirer.drained()
  const offsets = [...bytes.keys()].sort((a, b) => a - b)
  touched.sort((a, b) => a[0] - b[0] || a[1] - b[1])
  return {
    offsets,
    healed: healed.sort((a, b) => a - b),
    touched,
    bytesOf: (offset) => bytes.get(offset) as Buffer,
  }
}
