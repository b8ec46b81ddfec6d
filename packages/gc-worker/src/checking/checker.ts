import { assert, type Clock } from '@varve/pack/base'
import type { VarveError } from '@varve/pack/errors'
import type { FileSystem } from '@varve/pack/fs'
import { IndexEntries, ScanMemory } from '@varve/pack/pack'
import { memoryBytesMaxDefault } from '../job/index.ts'
import { checkControl } from './check-control.ts'
import type { CheckJob, CheckProgress, CheckResult } from './check-job.ts'
import { CheckPace } from './check-pace.ts'
import { checkContents } from './content-pass.ts'
import { ChunkPass, type PassTools } from './files/chunk-pass.ts'
import { checkIndex } from './files/index-pass.ts'
import { Layer } from './files/layer.ts'
import { type CheckCounts, RecordPass } from './files/record-pass.ts'
import { SegmentPass } from './files/segment-pass.ts'
import { SequentialWindow } from './files/sequential-window.ts'
import { Findings } from './findings.ts'
import { MetadataPass } from './metadata-pass.ts'
import { Losses } from './references/losses.ts'
import { ReferencePass } from './references/reference-pass.ts'

export interface CheckerOptions {
  readonly clock: Clock
  readonly onProgress?: ((progress: CheckProgress) => void) | undefined
  /** Every file is open: from now on none that goes is missed. */
  readonly onOpened?: (() => void) | undefined
}

/**
 * One check over a file system. It reads files and nothing else, and knows nothing of threads. Each layer is
 * read twice: file by file, everything in it proved and compared with its index; then by ascending offset,
 * every reference looked up. Objects are neither decoded nor given an object in memory.
 */
export class Checker {
  readonly #fs: FileSystem
  readonly #job: CheckJob
  readonly #o: CheckerOptions
  readonly #pace: CheckPace
  readonly #findings = new Findings()
  readonly #counts: CheckCounts = { objects: 0, hashed: 0 }
  readonly #memory = {
    window: new SequentialWindow(),
    memory: new ScanMemory(),
    entries: new IndexEntries(),
  }
  #hasRun = false

  constructor(fs: FileSystem, job: CheckJob, options: CheckerOptions) {
    this.#fs = fs
    this.#job = job
    this.#o = options
    this.#pace = new CheckPace(options.clock, options.onProgress ?? (() => {}))
  }

  /** The check ends with this reason as soon as it looks. */
  stop(reason: VarveError): void {
    this.#pace.stop(reason)
  }

  /** @throws NEWER_FORMAT, the reason given to `stop`, and what the file system throws but for damage */
  async run(): Promise<CheckResult> {
    assert(!this.#hasRun, 'a check runs once')
    this.#hasRun = true
    const layers: Layer[] = []
    try {
      const { controlFolder } = this.#job
      if (controlFolder !== undefined) await checkControl(this.#fs, controlFolder, this.#findings)
      for (const files of this.#job.layers) layers.push(await Layer.open(this.#fs, files, this.#findings))
      this.#o.onOpened?.()
      let bytes = 0
      for (const [i, layer] of layers.entries()) {
        await this.#checkLayer(layer, i === 0 ? layers.slice(1) : [])
        bytes += layer.bytes
      }
      const { listed, omitted, missing } = this.#findings
      return { findings: listed, omitted, missing, bytes, ...this.#counts }
    } finally {
      for (const layer of layers) await layer.close()
    }
  }

  async #checkLayer(layer: Layer, others: readonly Layer[]): Promise<void> {
    const findings = this.#findings
    const pace = this.#pace
    const { hashedPart, memoryBytesMax = memoryBytesMaxDefault, hasVolumesAway = false } = this.#job
    const metadata = new MetadataPass(layer, findings)
    const records = new RecordPass({ layer, findings, metadata, hashedPart, counts: this.#counts })
    await this.#readFiles({ layer, findings, pace, metadata, records, ...this.#memory })
    const losses = new Losses({ layer, others, findings, hasVolumesAway })
    const { whole } = records
    const references = new ReferencePass({ layer, whole, losses, pace, memoryBytesMax })
    await references.run()
    references.roots(metadata.finish())
    losses.trace()
    const contents = records.bigBlobs
    pace.begin('content', contents.length)
    await checkContents(contents, { layer, findings, pace })
  }

  async #readFiles(tools: PassTools): Promise<void> {
    const { layer, findings, pace } = tools
    pace.begin('files', layer.bytes)
    for (const segment of layer.segments) {
      const { builder, healed, damage } = await new SegmentPass(tools, segment).run()
      const pack = { number: segment.number, packLength: segment.info.bytes }
      await checkIndex({ layer, findings, ...pack, builder, damage, segment: { healed } })
    }
    for (const chunk of layer.chunks) {
      const { index, damage } = await new ChunkPass(tools, chunk).run()
      const pack = { number: chunk.place.number, packLength: chunk.place.length }
      await checkIndex({ layer, findings, ...pack, builder: index.builder, damage, segment: undefined })
    }
  }
}
