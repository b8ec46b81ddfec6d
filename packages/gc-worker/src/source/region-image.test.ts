import { loadXxh64 } from '@varve/pack/base'
import { encodeRecord, type RecordHeader, recordSize } from '@varve/pack/pack'
import { beforeAll, expect, test } from 'vitest'
import { regionBytes } from '../marks/index.ts'
import { RegionImage } from './region-image.ts'
import type { SourceSpace } from './source-space.ts'

beforeAll(loadXxh64)

test('a record that was put in the place of one that no file holds is gone with its region', () => {
  const space = { chunks: [], segments: [], retire: 4 * regionBytes }
  const image = new RegionImage({ space } as unknown as SourceSpace)
  const header: RecordHeader = { kind: 0, flags: 0, referenceCount: 0, bodyLength: 0 }
  const [at, body] = [4096, Buffer.from('some content')]
  const record = Buffer.alloc(recordSize(body.length))
  encodeRecord(record, 0, 2 * regionBytes + at, 1, 0, '\x11'.repeat(32), 0, body, 0, body.length)
  image.begin(2)
  expect(image.bytes.every((byte) => byte === 0)).toBe(true)
  expect(image.verify(at, header)).toBe(0)
  image.patch(at, record)
  expect(image.verify(at, header)).toBe(record.length)
  image.begin(2)
  expect(image.verify(at, header)).toBe(0)
})
