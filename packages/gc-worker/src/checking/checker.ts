import { assert, type Clock } from '@varve/pack/base'
import type { VarveError } from '@varve/pack/errors'
import type { FileSystem } from '@varve/pack/fs'
import { fileName } from '@varve/pack/layout'
import { IndexEntries, ScanMemory } from '@varve/pack/pack'
import { memoryBytesMaxDefault } from '../job/index.ts'
import { checkControl } from './check-control.ts'
import { checkFilter } from './check-filter.ts'
import type { CheckJob, CheckProgress, CheckResult, LayerFiles } from './check-job.ts'
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
  /** A volume could not be opened. */
  #isAway = false

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
      for (const files of this.#job.layers) await this.#open(files, layers)
      if (controlFolder !== undefined) await this.#checkFilters(controlFolder, layers)
      this.#o.onOpened?.()
      let bytes = 0
      const isOver = this.#job.endsWhereMissing === true && this.#findings.missing.length > 0
      for (const layer of isOver ? [] : layers) {
        await this.#checkLayer(
          layer,
          layers.filter((other) => other !== layer),
        )
        bytes += layer.bytes
      }
      const { listed, omitted, missing, wanted, named, broken } = this.#findings
      return { findings: listed, omitted, missing, wanted, named, broken, bytes, ...this.#counts }
    } finally {
      for (const layer of layers) await layer.close()
    }
  }

  /** A volume that cannot be read is one that is away, and no reason to end. */
  async #open(files: LayerFiles, opened: Layer[]): Promise<void> {
    try {
      opened.push(await Layer.open(this.#fs, files, this.#findings))
    } catch (error) {
      const isOfSystem = error instanceof Error && 'syscall' in error
      if (files.prefix === '' || !isOfSystem) throw error
      this.#isAway = true
      const what = `the volume cannot be read, and was not checked: ${error.message}`
      this.#findings.warning(files.prefix, 0, what).repairable = false
    }
  }

  async #checkFilters(folder: string, layers: readonly Layer[]): Promise<void> {
    const storeId = layers[0]?.storeId
    if (storeId === undefined) return
    for (const filter of this.#job.filters ?? []) {
      const prefix = `${fileName.volume(filter.volume)}/`
      const volume = layers.find(({ files }) => files.prefix === prefix)
      await checkFilter(this.#fs, { folder, storeId, ...filter }, { volume, findings: this.#findings })
    }
  }

  async #checkLayer(layer: Layer, others: readonly Layer[]): Promise<void> {
    const findings = this.#findings
    const pace = this.#pace
    const { hashedPart, memoryBytesMax = memoryBytesMaxDefault, hasVolumesAway = false } = this.#job
    const metadata = new MetadataPass(layer, findings)
    const records = new RecordPass({ layer, findings, metadata, hashedPart, counts: this.#counts })
    await this.#readFiles({ layer, findings, pace, metadata, records, ...this.#memory })
    const isUpper = layer.files.prefix === ''
    const isAway = hasVolumesAway || this.#isAway
    this.#excuseStandIns(layer)
    const losses = new Losses({ layer, others, isUpper, findings, hasVolumesAway: isAway })
    const { whole } = records
    const references = new ReferencePass({ layer, whole, losses, pace, memoryBytesMax })
    await references.run()
    // What was said in a volume's time has been said again, or not, above.
    if (isUpper) references.roots(metadata.finish())
    losses.trace()
    const contents = records.bigBlobs
    pace.begin('content', contents.length)
    await checkContents(contents, { layer, findings, pace })
  }

  /** A damaged record of a chunk for which a segment has a whole one is nobody's loss. */
  #excuseStandIns({ files, standIns }: Layer): void {
    for (const offset of standIns.keys()) {
      const finding = this.#findings.coverOf(files.prefix, offset)
      if (finding === undefined || !this.#findings.startsAt(finding, offset)) continue
      finding.severity = 'warning'
      finding.repairable = true
      finding.what += '; a segment of the volume has a whole one for this offset'
    }
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
