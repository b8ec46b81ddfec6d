/** What must hold of a store in two layers in which one bit is another, before and after a repair. */
import { classifyFile, fileName } from '@varve/pack/layout'
import { decodeControl } from '@varve/pack/pack'
import { flipBit, type MemoryFileSystem } from '@varve/pack/testing'
import { type CheckReport, type StoreReader, VarveError } from '@varve/store'
import { checkFolder, repairStore } from '@varve/store/internal'
import type { Bit } from './flipped-bytes.ts'
import { type Answers, copyFolder, type LayersSpecimen, readEverything } from './layers-specimen.ts'
import { MemoryReader } from './memory-reader.ts'
import { memoryFolder, openMemory } from './memory-store.ts'

/** Flips the bit and goes through it all. Empty: all is as it must be. */
export async function faultsOf(specimen: LayersSpecimen, bit: Bit): Promise<string[]> {
  const disk = specimen.disk.clone()
  disk.damage(bit.path, flipBit(bit.bit))
  const trial = new Trial(specimen, disk, bit.file)
  await trial.run()
  const at = `${bit.file} byte ${Math.floor(bit.bit / 8)} bit ${bit.bit % 8}`
  return trial.faults.map((fault) => `${at}: ${fault}`)
}

class Trial {
  readonly faults: string[] = []
  readonly #specimen: LayersSpecimen
  readonly #damaged: MemoryFileSystem
  readonly #file: string
  readonly #openChunk: string
  readonly #twice: ReadonlySet<string>

  constructor(specimen: LayersSpecimen, damaged: MemoryFileSystem, file: string) {
    this.#specimen = specimen
    this.#damaged = damaged
    this.#file = file
    const files = specimen.disk.files()
    const { state } = decodeControl(
      Buffer.from(files.get(`${memoryFolder}/${fileName.control}`) as Uint8Array),
    )
    this.#openChunk = fileName.chunk(state.chunks.at(-1)?.number ?? 0)
    // No number is given twice: a segment that both layers name is the same one.
    const names = [...files.keys()].filter((path) => !path.startsWith(`${copyFolder}/`)).map(lastName)
    this.#twice = new Set(names.filter((name, at) => /^gen-/.test(name) && names.indexOf(name) !== at))
  }

  async run(): Promise<void> {
    const before = await check(this.#damaged)
    const mine = before.findings.filter(({ file }) => file === this.#file)
    this.#expect(mine.length > 0, 'the check does not name it')
    // What another copy, or another file, says as well is read from there. The index of a volume's file is
    // made anew only by a repair.
    const isVolumeIndex = this.#file.includes('/') && this.#file.endsWith('.idx')
    const isAllThere = mine.every(({ repairable }) => repairable) && !isVolumeIndex
    await this.#readBoth('damaged', this.#damaged, isAllThere ? 'all' : 'or refused')
    const isWhole = await this.#repair(undefined)
    if (!isWhole) await this.#repair(copyFolder)
  }

  /**
   * Applies a repair to a copy of the damaged store, and looks at what it has made of it. Gives whether a
   * check finds no more errors.
   */
  async #repair(from: string | undefined): Promise<boolean> {
    const disk = this.#damaged.clone()
    const how = from === undefined ? 'repaired alone' : 'repaired from a copy'
    const platform = { fileSystem: disk, memoryKey: disk, collectorWhere: 'inline' } as const
    const { remaining, steps } = await repairStore(memoryFolder, { apply: true, from }, platform)
    this.#expectNothingGone(how, disk)
    const mayRemain = this.#mayRemain(from)
    const isAllowed = mayRemain || remaining.length === 0
    this.#expect(isAllowed, `${how}, there remains: ${remaining[0]?.what}`)
    const after = await check(disk)
    const errors = after.findings.filter(({ severity }) => severity === 'error')
    // A record that was put again is in another place: such damage stays where it is until a collection.
    const isLeft = errors.every(({ file, repairable }) => file === this.#file && repairable)
    const isClean = errors.length === 0 || (mayRemain && (isLeft || remaining.length > 0))
    this.#expect(isClean, `${how}, a check still finds: ${errors[0]?.what}`)
    const moves = new Map(steps.map(({ ref = '', after: to = '' }) => [ref, to]))
    const expected = remaining.length === 0 ? 'all' : 'or refused'
    if (steps.length > 0) await this.#readBoth(how, disk, expected, moves)
    this.#expect(disk.openHandles().length === 0, `${how}, a file is still open`)
    return errors.length === 0
  }

  /** Whether it may be that neither a rebuild nor a copy has what the file said. */
  #mayRemain(from: string | undefined): boolean {
    const name = lastName(this.#file)
    if (from !== undefined) return false
    const isOnlyCopy = ['chunk', 'segment', 'segment-map', 'checkpoint'].includes(classifyFile(name).kind)
    return isOnlyCopy && !this.#twice.has(name)
  }

  /** Each file is there with all of its bytes, perhaps set aside. */
  #expectNothingGone(how: string, disk: MemoryFileSystem): void {
    const files = disk.files()
    for (const [path, was] of this.#damaged.files()) {
      const aside = Buffer.from(files.get(`${path}.damaged-1`) ?? [])
      const now = Buffer.from(files.get(path) ?? [])
      // An opening for writing goes on with the log, and replaces control where control is whole.
      const isGrowing = lastName(path) === this.#openChunk
      const isReplaced = lastName(path) === fileName.control && this.#file !== fileName.control
      const isSame = now.equals(was) || aside.equals(was)
      const isThere = isSame || isReplaced || (isGrowing && now.subarray(0, was.length).equals(was))
      this.#expect(isThere, `${how}, bytes of ${path} are gone`)
    }
  }

  async #readBoth(
    how: string,
    disk: MemoryFileSystem,
    expected: 'all' | 'or refused',
    moves: ReadonlyMap<string, string> = new Map(),
  ): Promise<void> {
    const copy = disk.clone()
    const open = [async () => (await MemoryReader.open(copy)).store, () => openMemory(copy)]
    for (const [at, opening] of open.entries()) {
      const found = await this.#readAll(opening)
      const reads = `${how}, ${at === 0 ? 'a reader' : 'the writer'}`
      if (found instanceof VarveError) this.#expectRefusedOpening(reads, found, expected)
      else this.#expectRight(reads, found, { expected, moves })
    }
    this.#expect(copy.openHandles().length === 0, `${how}, reads have left a file open`)
  }

  /** An error: it does not open. */
  async #readAll(open: () => Promise<StoreReader>): Promise<Answers | VarveError> {
    let store: StoreReader
    try {
      store = await open()
    } catch (error) {
      if (VarveError.is(error)) return error
      throw error
    }
    try {
      return await readEverything(store, this.#specimen.held)
    } finally {
      await store.close()
    }
  }

  /** Only of what says where all else is. */
  #expectRefusedOpening(reads: string, error: VarveError, expected: 'all' | 'or refused'): void {
    const isVital = /^(suffix|gen|meta)-/.test(this.#file) && !this.#file.endsWith('.idx')
    const isRight = isVital && expected === 'or refused' && error.code === 'CORRUPT'
    this.#expect(isRight, `${reads} is refused with ${error.code}: ${error.message}`)
  }

  #expectRight(
    reads: string,
    { answers, refused }: Answers,
    o: { readonly expected: 'all' | 'or refused'; readonly moves: ReadonlyMap<string, string> },
  ): void {
    for (const [name, answer] of answers) {
      const isRight = answer === (o.moves.get(name) ?? this.#specimen.reads.get(name))
      this.#expect(isRight, `${reads} is told that ${name} is ${answer}`)
    }
    for (const [name, { code, message }] of refused) {
      const isRight = o.expected === 'or refused' && code === 'CORRUPT'
      this.#expect(isRight, `${reads} is refused ${name} with ${code}: ${message}`)
    }
  }

  #expect(holds: boolean, otherwise: string): void {
    if (!holds) this.faults.push(otherwise)
  }
}

function check(disk: MemoryFileSystem): Promise<CheckReport> {
  return checkFolder(memoryFolder, { full: true }, { fileSystem: disk, where: 'inline' })
}

function lastName(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1)
}
