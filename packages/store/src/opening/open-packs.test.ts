/** The files of a store opened: indexes built anew, metadata read from checkpoint and log, damage told. */
import { loadXxh64 } from '@varve/pack/base'
import type { VarveError } from '@varve/pack/errors'
import { fileName } from '@varve/pack/layout'
import { indexKind, metaTable } from '@varve/pack/objects'
import {
  AddressSpace,
  BlockCache,
  type ControlState,
  FileRetirer,
  RecordReader,
  readControl,
} from '@varve/pack/pack'
import { flipBit, type MemoryFileSystem, truncateTo } from '@varve/pack/testing'
import { beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { emptyDisk, MemoryRooms, roomsFolder } from '../assembly/testing/memory-rooms.ts'
import { type LoadedMetadata, loadMetadata } from './load-metadata.ts'
import { type OpenPacks, openPacks, type PackToIndex } from './open-packs.ts'

beforeAll(loadXxh64)

/**
 * Names of branches in the order in which they were made: in a segment, in sealed chunks, in the open one.
 */
const branches = ['collected', 'sealed', 'open']
let specimen: MemoryFileSystem
let control: ControlState
let disk: MemoryFileSystem
beforeAll(async () => {
  specimen = await emptyDisk()
  const store = await MemoryRooms.open({ disk: specimen })
  for (const name of branches) {
    await store.branch(name).commit((edit) => void edit.set('file', name))
    if (name === 'collected') {
      await store.rooms.gc.run(undefined, { grace: 0 })
    } else if (name === 'sealed') {
      await store.rooms.log.seal()
      await store.rooms.indexing.settled()
    }
  }
  await store.close()
  control = (await readControl(specimen, roomsFolder)).state
})
beforeEach(() => {
  disk = specimen.clone()
})

/** Opens the files by themselves, and notes what was asked of the opening, in order. */
class Opening {
  readonly steps: string[] = []
  readonly cache = new BlockCache({ bytesMax: 1 << 20 })
  readonly retirer = new FileRetirer(disk, () => undefined)
  readonly damage: string[] = []
  /** Puts the file back that a rebuild is asked for. */
  rebuilds = true

  open(): Promise<OpenPacks> {
    const { cache, retirer, steps } = this
    return openPacks({
      ...{ fs: disk, folder: roomsFolder, storeId: this.storeId, control, cache, retirer },
      onProved: async () => void steps.push('proved'),
      rebuildIndex: (pack) => this.#rebuild(pack),
      onRebuilt: (file) => void steps.push(`told ${file}`),
      onIndex: (file) => void steps.push(`index ${file.name}`),
      onOpenObject: (kind) => void steps.push(`object ${kind}`),
    })
  }

  get storeId(): Buffer {
    return Buffer.from(control.storeId, 'hex')
  }

  async load(packs: OpenPacks): Promise<LoadedMetadata> {
    const { chunks, segments } = packs
    const space = new AddressSpace({ epoch: 0, instance: this, retire: control.retire, chunks, segments })
    const records = new RecordReader(this.cache, () => space)
    return loadMetadata({
      ...{ fs: disk, folder: roomsFolder, storeId: this.storeId, control, packs, records },
      onDamage: ({ details }) => void this.damage.push(details.file),
    })
  }

  async #rebuild(pack: PackToIndex): Promise<void> {
    const name = pack.kind === 'chunk' ? fileName.chunkIndex(pack.number) : fileName.segmentIndex(pack.number)
    this.steps.push(`rebuild ${name}`)
    expect(disk.files().has(`${roomsFolder}/${name}`), 'the old one is gone').toBe(false)
    if (!this.rebuilds) return
    const bytes = await specimen.readFile(`${roomsFolder}/${name}`)
    const handle = await disk.open(`${roomsFolder}/${name}`, 'create')
    handle.writeSync(bytes, 0, bytes.length, 0)
    await handle.close()
  }
}

const chunkName = (): string => fileName.chunk(control.chunks[0]?.number ?? 0)
const chunkIndexName = (): string => fileName.chunkIndex(control.chunks[0]?.number ?? 0)
const segmentIndexName = (): string => fileName.segmentIndex(control.segments[0]?.number ?? 0)
const checkpointName = (): string => fileName.checkpoint(control.checkpoint?.number ?? 0)
const openChunkName = (): string => fileName.chunk(control.chunks.at(-1)?.number ?? 0)

function damage(name: string, change: (bytes: Buffer) => Buffer): void {
  disk.damage(`${roomsFolder}/${name}`, change)
}

async function failureOf(work: Promise<unknown>): Promise<VarveError> {
  return work.then(
    () => expect.unreachable('it must fail'),
    (error: unknown) => error as VarveError,
  )
}

describe('the files', () => {
  test('are proved before any index is opened; indexes come oldest first', async () => {
    const opening = new Opening()
    const packs = await opening.open()
    const objects = [indexKind.blob, indexKind.tree, indexKind.commit].map((kind) => `object ${kind}`)
    expect(opening.steps).toEqual([
      ...objects,
      'proved',
      `index ${segmentIndexName()}`,
      `index ${chunkIndexName()}`,
    ])
    expect(packs.indexes.map(({ name }) => name)).toEqual([chunkIndexName(), segmentIndexName()])
    expect(packs.lost).toEqual([])
  })

  test.each(['missing', 'damaged'])('whose index is %s get it anew', async (what) => {
    for (const name of [chunkIndexName(), segmentIndexName()]) {
      if (what === 'missing') await disk.remove(`${roomsFolder}/${name}`)
      else damage(name, flipBit(8 * 4_100))
    }
    const opening = new Opening()
    const { indexes } = await opening.open()
    expect(indexes).toHaveLength(2)
    expect(opening.steps).toContain(`rebuild ${chunkIndexName()}`)
    // A chunk is sealed before its index is built, so that one that is missing is nothing odd.
    const told = opening.steps.filter((step) => step.startsWith('told'))
    const segmentTold = `told ${segmentIndexName()}`
    expect(told).toEqual(what === 'missing' ? [segmentTold] : [segmentTold, `told ${chunkIndexName()}`])
  })

  test('stay closed when one of them cannot be had', async () => {
    const opening = new Opening()
    opening.rebuilds = false
    await disk.remove(`${roomsFolder}/${segmentIndexName()}`)
    const first = await failureOf(opening.open())
    expect(first).toMatchObject({ code: 'CORRUPT', details: { file: segmentIndexName() } })
    damage(chunkName(), flipBit(8 * 20))
    expect(await failureOf(opening.open())).toMatchObject({ code: 'CORRUPT', details: { file: chunkName() } })
    await opening.retirer.drained()
    expect(disk.openHandles()).toEqual([])
  })
})

describe('the metadata', () => {
  const keysOf = ({ state }: LoadedMetadata): string[] =>
    [...state.iterate(metaTable.refs)].map(({ key }) => key)

  test('is that of the checkpoint and of all that came after it', async () => {
    const opening = new Opening()
    const loaded = await opening.load(await opening.open())
    expect(keysOf(loaded)).toEqual(branches.map((name) => `heads/${name}`).sort())
    expect(loaded.doubt).toBeUndefined()
    expect(opening.damage).toEqual([])
  })

  test('of a checkpoint that is damaged is not known at all', async () => {
    damage(checkpointName(), flipBit(8 * 100))
    const opening = new Opening()
    const failure = await failureOf(opening.load(await opening.open()))
    expect(failure).toMatchObject({ code: 'CORRUPT', details: { file: checkpointName() } })
  })

  test('of a damaged record is in doubt below it, the rest holds', async () => {
    damage(chunkName(), (bytes) => {
      const at = bytes.indexOf('heads/sealed')
      bytes[at] = (bytes[at] as number) ^ 1
      return bytes
    })
    const opening = new Opening()
    const packs = await opening.open()
    const loaded = await opening.load(packs)
    expect(keysOf(loaded)).toEqual(['heads/collected', 'heads/open'])
    expect(opening.damage).toEqual([chunkName()])
    const base = control.chunks[0]?.base ?? 0
    const openBase = control.chunks.at(-1)?.base ?? 0
    expect(loaded.doubt?.error.details.file).toBe(chunkName())
    expect(loaded.doubt?.below).toBeGreaterThan(base)
    expect(loaded.doubt?.below).toBeLessThan(openBase)
  })

  test('is in doubt below a range of the open chunk in which no record can be found', async () => {
    // The header of its first record that is not the last batch's.
    damage(openChunkName(), (bytes) => {
      bytes.fill(0xff, 64 + 56 + 8, 64 + 56 + 16)
      return bytes
    })
    const opening = new Opening()
    const packs = await opening.open()
    expect(packs.lost.map(({ chunk }) => chunk)).toEqual([control.chunks.at(-1)?.number])
    const { doubt } = await opening.load(packs)
    expect(doubt).toMatchObject({ below: packs.lost[0]?.end, error: { details: { file: openChunkName() } } })
  })

  test('of a sealed chunk that is too short is refused at opening', async () => {
    damage(chunkName(), truncateTo(200))
    expect(await failureOf(new Opening().open())).toMatchObject({
      details: { file: chunkName(), offset: 200 },
    })
  })
})
