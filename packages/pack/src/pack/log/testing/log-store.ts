import { assert } from '../../../base/index.ts'
import type { VarveError } from '../../../errors/index.ts'
import type { FileSystem } from '../../../fs/index.ts'
import { classifyFile, fileName, highestFileNumber, isLeftover } from '../../../layout/index.ts'
import { recordKind, sha256 } from '../../../objects/index.ts'
import { ManualClock } from '../../../testing/index.ts'
import { BlockCache, FileRetirer, PackFile } from '../../blocks/index.ts'
import { type ControlState, firstControl, readControl, replaceControl } from '../../control/index.ts'
import { type ChunkTail, createChunkFile, emptyTail, openChunkFile } from '../../frame/index.ts'
import { AddressSpace, Chunk, RecordReader } from '../../read/index.ts'
import { type RecoveredChunk, recoverChunk, scanChunk } from '../../scan/index.ts'
import { AppendLog } from '../append-log.ts'
import type { AppendLogOptions, ChunkRoll } from '../append-log-options.ts'

export const logFolder = '/store'
export const logStoreId: Buffer = Buffer.from('0123456789abcdef', 'latin1')

/** A blob that a test appended, or that was found again. */
export interface FoundRecord {
  readonly offset: number
  readonly kind: number
  readonly hash: string
  readonly body: Buffer
}

export type LogStoreOptions = Partial<
  Pick<
    AppendLogOptions,
    'chunkBytes' | 'chunkRecordsMax' | 'unwrittenBytesMax' | 'indexBacklog' | 'chunkCount'
  >
> & {
  /** Called in the place of replacing control; default: it is replaced. */
  readonly replace?: (state: ControlState) => Promise<void>
}

/**
 * As much of a store as a log needs around it: control, the readers' files, a clock that stands still. Sealed
 * chunks are read with a scan at opening, so that a test sees every record of the store.
 */
export class LogStore {
  readonly fs: FileSystem
  readonly clock: ManualClock = new ManualClock()
  readonly cache: BlockCache = new BlockCache({ bytesMax: 4 * 1024 * 1024 })
  readonly reader: RecordReader
  readonly rolls: ChunkRoll[] = []
  readonly failures: VarveError[] = []
  /** What was in the store when it was opened. */
  readonly found: FoundRecord[] = []
  readonly #retirer: FileRetirer
  #state: ControlState
  #space: AddressSpace | undefined
  #log: AppendLog | undefined
  #recovered: RecoveredChunk | undefined

  private constructor(fs: FileSystem, state: ControlState) {
    this.fs = fs
    this.#state = state
    this.#retirer = new FileRetirer(fs, (path, error) => {
      throw new Error(`cannot dispose of ${path}`, { cause: error })
    })
    this.reader = new RecordReader(this.cache, () => this.space)
  }

  static async create(fs: FileSystem, options: LogStoreOptions = {}): Promise<LogStore> {
    await fs.mkdir(logFolder)
    await fs.syncFolder('/')
    const chunk = { number: 1, base: 0, nonce: nonceOf(1) }
    const handle = await createChunkFile(fs, logFolder, { ...chunk, storeId: logStoreId })
    await handle.close()
    await fs.syncFolder(logFolder)
    const state = firstControl({ storeId: logStoreId.toString('hex'), chunk })
    await replaceControl(fs, logFolder, state)
    const store = new LogStore(fs, state)
    await store.#openLog(emptyTail(chunk), options)
    return store
  }

  /** As a writer opens: control first, then recovery, then the log. */
  static async open(fs: FileSystem, options: LogStoreOptions = {}): Promise<LogStore> {
    const { state } = await readControl(fs, logFolder)
    const names = await fs.list(logFolder)
    const next = {
      ...{ ...state, sequence: state.sequence + 1, writerTerm: state.writerTerm + 1 },
      fileCounter: Math.max(state.fileCounter, highestFileNumber(names)),
    }
    await replaceControl(fs, logFolder, next)
    await removeLeftovers(fs, names, next)
    const store = new LogStore(fs, next)
    for (const chunk of next.chunks.slice(0, -1)) await store.#scanSealed(chunk)
    const open = next.chunks.at(-1)
    assert(open !== undefined, 'a store has a chunk')
    store.#recovered = await recoverChunk({
      ...{
        fs,
        folder: logFolder,
        number: open.number,
        base: open.base,
        storeId: logStoreId,
        mode: 'rewrite',
      },
      onRecord: (record) => store.found.push(copyRecord(record)),
    })
    await store.#openLog(store.#recovered, options)
    return store
  }

  get log(): AppendLog {
    assert(this.#log !== undefined, 'the store is open')
    return this.#log
  }

  get recovered(): RecoveredChunk {
    assert(this.#recovered !== undefined, 'the store was opened, not created')
    return this.#recovered
  }

  get space(): AddressSpace {
    assert(this.#space !== undefined, 'the store is open')
    return this.#space
  }

  get state(): ControlState {
    return this.#state
  }

  /** Appends a blob; waits for nothing. */
  put(body: Buffer): number {
    const hash = sha256(body, 0, body.length)
    return this.log.append(recordKind.blob, 0, hash, 0, body, 0, body.length)
  }

  /** The body of the record there, read as programs read. */
  read(offset: number): Buffer {
    const view = this.reader.record(offset)
    return Buffer.from(view.buf.subarray(view.bodyStart, view.bodyEnd))
  }

  async close(): Promise<void> {
    try {
      await this.log.close()
    } finally {
      this.space.release()
      await this.#retirer.drained()
    }
  }

  async #scanSealed(chunk: { number: number; base: number; length: number | null }): Promise<void> {
    const expected = { ...chunk, storeId: logStoreId }
    const { handle, header } = await openChunkFile(this.fs, logFolder, expected, 'read')
    for await (const step of scanChunk({ handle, header, end: chunk.base + (chunk.length ?? 0) })) {
      assert(step.kind === 'batch' && step.batch.isWhole, 'a sealed chunk is whole')
      for (const record = step.batch.records(); record.next(); ) this.found.push(copyRecord(record))
    }
    await handle.close()
  }

  async #openLog(tail: ChunkTail, options: LogStoreOptions): Promise<void> {
    const last = this.#state.chunks.at(-1)
    const chunks = this.#state.chunks.map(async ({ number, base, length }) => {
      const growsFrom = number === last?.number ? tail.end - tail.base : undefined
      return new Chunk({ number, base, file: await this.#openFile(number, growsFrom ?? length ?? 0) })
    })
    this.#install(await Promise.all(chunks))
    this.#log = await AppendLog.open({
      ...{ fs: this.fs, folder: logFolder, storeId: logStoreId, tail, cache: this.cache, clock: this.clock },
      growing: this.#lastFile(),
      nextFileNumber: () => this.#state.fileCounter + 1,
      newNonce: () => nonceOf(this.#state.fileCounter + 1),
      chunkCount: options.chunkCount ?? (() => this.#state.chunks.length),
      indexBacklog: options.indexBacklog ?? (() => 0),
      switchControl: (roll) => this.#switch(roll, options.replace),
      onFailed: (error) => this.failures.push(error),
      chunkBytes: options.chunkBytes,
      chunkRecordsMax: options.chunkRecordsMax,
      unwrittenBytesMax: options.unwrittenBytesMax,
    })
  }

  async #switch(roll: ChunkRoll, replace: LogStoreOptions['replace']): Promise<PackFile> {
    const { sealed, opened } = roll
    const chunks = this.#state.chunks.map((chunk) => (chunk.number === sealed.number ? sealed : chunk))
    const state: ControlState = {
      ...this.#state,
      sequence: this.#state.sequence + 1,
      fileCounter: opened.number,
      chunks: [...chunks, { ...opened, length: null }],
    }
    if (replace === undefined) await replaceControl(this.fs, logFolder, state)
    else await replace(state)
    this.#state = state
    this.rolls.push(roll)
    const file = await this.#openFile(opened.number, 64)
    this.#install([...this.space.chunks, new Chunk({ ...opened, file })])
    return file
  }

  /** The space takes a use of its own of each file. */
  #install(chunks: readonly Chunk[]): void {
    const old = this.#space
    this.#space = new AddressSpace({ epoch: 0, instance: this, retire: 0, chunks, segments: [] })
    for (const chunk of chunks) if (!old?.chunks.includes(chunk)) chunk.file.release()
    old?.release()
  }

  #lastFile(): PackFile {
    const file = this.space.chunks.at(-1)?.file
    assert(file !== undefined, 'a store has a chunk')
    return file
  }

  #openFile(number: number, growsFrom: number): Promise<PackFile> {
    return PackFile.open(this.fs, {
      ...{ folder: logFolder, name: fileName.chunk(number), number, kind: 'pack', growsFrom },
      ...{ cache: this.cache, retirer: this.#retirer },
    })
  }
}

async function removeLeftovers(
  fs: FileSystem,
  names: readonly string[],
  { chunks }: ControlState,
): Promise<void> {
  const none = new Set<number>()
  const named = {
    chunks: new Set(chunks.map(({ number }) => number)),
    ...{ segments: none, checkpoints: none, filters: none },
  }
  const leftovers = names.filter((name) => name !== 'control.tmp' && isLeftover(classifyFile(name), named))
  for (const name of leftovers) await fs.remove(`${logFolder}/${name}`)
}

function nonceOf(number: number): Buffer {
  return Buffer.alloc(16, `nonce-${number}-`)
}

function copyRecord(record: {
  readonly offset: number
  readonly kind: number
  readonly bytes: Buffer
  readonly hashStart: number
  readonly bodyStart: number
  readonly bodyEnd: number
}): FoundRecord {
  return {
    offset: record.offset,
    kind: record.kind,
    hash: record.bytes.toString('latin1', record.hashStart, record.bodyStart),
    body: Buffer.from(record.bytes.subarray(record.bodyStart, record.bodyEnd)),
  }
}
