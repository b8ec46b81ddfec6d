import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { classifyFile, fileName, fileNumberMax } from './file-names.ts'
import { highestFileNumber, isLeftover } from './leftovers.ts'

const numbered = [
  ['chunk', fileName.chunk, 'suffix-7.pack'],
  ['chunk-index', fileName.chunkIndex, 'suffix-7.idx'],
  ['segment', fileName.segment, 'gen-7.pack'],
  ['segment-map', fileName.segmentMap, 'gen-7.map'],
  ['segment-index', fileName.segmentIndex, 'gen-7.idx'],
  ['checkpoint', fileName.checkpoint, 'meta-7.ckpt'],
  ['spill', fileName.spill, 'spill-7.tmp'],
  ['filter', fileName.filter, 'filter-7.bloom'],
  ['volume', fileName.volume, 'volume-7'],
  ['manifest', fileName.manifest, 'manifest-7'],
] as const

describe('file names', () => {
  it('spells each name as the format says', () => {
    for (const [, name, expected] of numbered) expect(name(7)).toBe(expected)
    expect(fileName.lockOwner(4711)).toBe('lock-owner-4711')
    expect([fileName.control, fileName.projections, fileName.lock, fileName.staging]).toEqual([
      'control',
      'db',
      'lock',
      'staging',
    ])
  })

  it('classifies back whatever it spells', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: fileNumberMax }),
        fc.constantFrom(...numbered),
        (number, [kind, name]) => {
          expect(classifyFile(name(number))).toEqual({ kind, number })
        },
      ),
    )
    expect(classifyFile('lock-owner-1')).toEqual({ kind: 'lock-owner', pid: 1 })
    for (const kind of ['control', 'lock', 'staging'] as const) expect(classifyFile(kind)).toEqual({ kind })
    expect(classifyFile('db')).toEqual({ kind: 'projections' })
    expect(classifyFile('control.tmp')).toEqual({ kind: 'control-temporary' })
  })

  it.each([
    'suffix-01.pack',
    'suffix-00.pack',
    'suffix--1.pack',
    'suffix-+1.pack',
    'suffix-1e3.pack',
    'suffix-4294967296.pack',
    'suffix-99999999999.pack',
    'suffix-.pack',
    'suffix-1.pack ',
    'suffix-1.pack\n',
    ' suffix-1.pack',
    'suffix-1.map',
    'suffix-1',
    'gen-1.ckpt',
    'meta-1.pack',
    'Suffix-1.pack',
    'suffix-١.pack',
    'control.bak',
    'Control',
    'lock-owner-0',
    'lock-owner-01',
    'lock-owner-9999999999',
    'lock-owner-1.tmp',
    '',
    '.',
    '..',
    'constructor',
    '__proto__',
  ])('does not take %j for ours', (name) => {
    expect(classifyFile(name)).toEqual({ kind: 'unknown' })
  })

  it('refuses a number that is no u32', () => {
    for (const number of [-1, 0.5, Number.NaN, fileNumberMax + 1])
      expect(() => fileName.chunk(number)).toThrow()
  })
})

describe('leftovers', () => {
  const named = {
    chunks: new Set([1]),
    segments: new Set([2]),
    checkpoints: new Set([3]),
    filters: new Set([4]),
  }

  it('keeps what control names and what is not ours, and deletes the rest', () => {
    const names = [
      ...[
        'control',
        'control.tmp',
        'db',
        'lock',
        'staging',
        'lock-owner-1',
        'volume-1',
        'manifest-9',
        'README',
      ],
      ...[
        'suffix-1.pack',
        'suffix-1.idx',
        'suffix-2.pack',
        'suffix-2.idx',
        'gen-2.pack',
        'gen-2.map',
        'gen-2.idx',
      ],
      ...['gen-1.pack', 'gen-1.map', 'gen-1.idx', 'meta-3.ckpt', 'meta-1.ckpt', 'spill-1.tmp', 'gen-01.pack'],
      ...['filter-4.bloom', 'filter-3.bloom'],
    ]
    expect(names.filter((name) => isLeftover(classifyFile(name), named))).toEqual([
      'control.tmp',
      ...[
        'suffix-2.pack',
        'suffix-2.idx',
        'gen-1.pack',
        'gen-1.map',
        'gen-1.idx',
        'meta-1.ckpt',
        'spill-1.tmp',
        'filter-3.bloom',
      ],
    ])
  })

  it('finds the highest number of any file of the store, not of the lower layer or of lock owners', () => {
    expect(highestFileNumber([])).toBe(0)
    expect(
      highestFileNumber(['suffix-3.pack', 'gen-12.map', 'lock-owner-999', 'volume-50', 'gen-099.pack']),
    ).toBe(12)
  })
})
