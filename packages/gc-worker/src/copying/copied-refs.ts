import { VarveError } from '@varve/pack/errors'
import { indexKind, recordKind } from '@varve/pack/objects'
import {
  type MetaEntry,
  type MetaRecord,
  MetaState,
  mergeEntries,
  readCheckpoint,
  referencesOf,
  writeCheckpoint,
} from '@varve/pack/pack'
import type { ChunkPlace, CopyJob } from '../job/index.ts'
import { refuseLost, type SourceIndexes, type SourceSpace, scanLog } from '../source/index.ts'

/** The table of branches and tags: the only one that goes along. */
const refsTable = 1

export interface CopiedRefsOptions {
  readonly job: CopyJob
  readonly source: SourceSpace
  readonly indexes: SourceIndexes
  /** After each batch that is scanned. */
  readonly batchEnd: (end: number) => Promise<void>
}

/**
 * The branches and tags of the copy: those asked for, as they stand at the end of what is copied. Chunks with
 * an index tell their metadata records by it; the others are scanned.
 */
export class CopiedRefs {
  /** Keys, in byte order, once `write` has resolved. */
  readonly keys: string[] = []
  readonly #o: CopiedRefsOptions
  readonly #changes = new MetaState({ keepsDeleted: true })
  readonly #found = new Set<string>()

  constructor(options: CopiedRefsOptions) {
    this.#o = options
  }

  /**
   * Writes and syncs the checkpoint of the copy, and tells where the commits that its refs name lie.
   * @throws REF_NOT_FOUND, CORRUPT, and what the file system throws
   */
  async write(
    place: { readonly number: number; readonly position: number },
    commit: (offset: number) => void,
  ): Promise<void> {
    const { job, source } = this.#o
    const { fs, dir: folder, storeId } = source.o
    const { checkpoint } = job.previous
    for (const chunk of job.previous.chunks) await this.#fromChunk(chunk)
    const older =
      checkpoint === undefined ? nothing() : readCheckpoint(fs, { folder, storeId, ...checkpoint })
    const entries = this.#wanted(mergeEntries(older, this.#changes.entries()), commit)
    const output = { folder: job.output.dir, storeId: Buffer.from(job.output.storeId, 'hex') }
    await writeCheckpoint(fs, { ...output, ...place }, entries)
    const missing = job.refs?.find((name) => !this.#found.has(name))
    if (missing !== undefined) throw new VarveError('REF_NOT_FOUND', { ref: missing })
  }

  async #fromChunk(chunk: ChunkPlace): Promise<void> {
    const { job, source, indexes, batchEnd } = this.#o
    const from = job.previous.checkpoint?.position ?? 0
    if (chunk.base + chunk.length <= from) return
    let isListed = false
    await indexes.withChunk(chunk.number, async (index) => {
      isListed = index.packLength === chunk.length
      if (!isListed) return
      for (const offset of index.metadataOffsets()) if (offset >= from) this.#recordAt(offset)
    })
    if (isListed) return
    const range = { chunks: [chunk], from: chunk.base, to: chunk.base + chunk.length }
    await scanLog(source.o, range, {
      record: (record) => {
        if (record.kind === recordKind.meta && record.offset >= from) this.#apply(record, record.bytes)
      },
      // What a damaged change of metadata said nobody knows; a damaged object is healed if it is wanted.
      damaged: async (record) => {
        if (record.kind === recordKind.meta) throw new VarveError('CORRUPT', source.placeOf(record.offset))
      },
      lost: refuseLost,
      batchEnd,
    })
  }

  #recordAt(offset: number): void {
    const { source } = this.#o
    const view = source.reader.record(offset)
    if (view.kind !== recordKind.meta) throw new VarveError('CORRUPT', source.placeOf(offset))
    this.#apply({ ...bodyOf(view), offset }, view.buf)
  }

  #apply(record: Omit<MetaRecord, 'buf'>, buf: Buffer): void {
    this.#changes.apply({ ...bodyOf(record), offset: record.offset, buf })
  }

  async *#wanted(
    entries: AsyncIterable<MetaEntry>,
    commit: (offset: number) => void,
  ): AsyncIterable<MetaEntry> {
    for await (const entry of entries) {
      if (entry.table !== refsTable) continue
      const key = Buffer.from(entry.key, 'latin1').toString()
      if (!this.#isWanted(key)) continue
      for (const { kind, offset } of referencesOf(entry)) if (kind === indexKind.commit) commit(offset)
      this.keys.push(key)
      yield entry
    }
  }

  /** Entries come in the order of their keys: a branch before the tag of the same name. */
  #isWanted(key: string): boolean {
    const { refs } = this.#o.job
    if (refs === undefined) return true
    const name = key.slice(key.indexOf('/') + 1)
    const isMeant = refs.includes(name) && !this.#found.has(name)
    if (isMeant) this.#found.add(name)
    if (refs.includes(key)) this.#found.add(key)
    return isMeant || refs.includes(key)
  }
}

function bodyOf(record: Omit<MetaRecord, 'buf' | 'offset'>): Omit<MetaRecord, 'buf' | 'offset'> {
  const { bodyStart, bodyEnd, referenceCount } = record
  return { bodyStart, bodyEnd, referenceCount }
}

async function* nothing(): AsyncIterable<MetaEntry> {}
