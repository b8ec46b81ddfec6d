import { Float64List } from '@varve/pack/base'
import {
  decodeTouch,
  MalformedBody,
  rawToHex,
  readHash,
  recordKind,
  sameHashBytes,
} from '@varve/pack/objects'
import { SlotTable } from '../../marks/index.ts'
import type { ScannedRecord } from '../../source/index.ts'
import type { Findings } from '../findings.ts'
import type { MetadataPass } from '../metadata-pass.ts'
import type { Layer } from './layer.ts'
import { hashOfBody, isInPart, malformation } from './object-hash.ts'

/** What has been counted in all layers. */
export interface CheckCounts {
  objects: number
  hashed: number
}

/**
 * What is looked at in every record whose checksum is right, wherever it lies, and what later passes must
 * know of it.
 */
export class RecordPass {
  /** Where whole records start: 2 bytes each. */
  readonly whole: SlotTable
  /** Large blobs of which the whole content is to be hashed. */
  readonly bigBlobs: Float64List = new Float64List()
  readonly #layer: Layer
  readonly #findings: Findings
  readonly #metadata: MetadataPass
  readonly #hashedPart: number
  readonly #counts: CheckCounts

  constructor(o: {
    readonly layer: Layer
    readonly findings: Findings
    readonly metadata: MetadataPass
    readonly hashedPart: number
    readonly counts: CheckCounts
  }) {
    this.#layer = o.layer
    this.#findings = o.findings
    this.#metadata = o.metadata
    this.#hashedPart = o.hashedPart
    this.#counts = o.counts
    this.whole = new SlotTable({
      bytesMax: () => Number.POSITIVE_INFINITY,
      openSpill: () => Promise.reject(new TypeError('a table without a bound is never spilled')),
    })
  }

  /** @param file and position: where the record lies, for findings */
  take(record: ScannedRecord, file: string, position: number): void {
    this.whole.add(record.offset)
    this.#checkPadding(record, file, position)
    if (record.kind === recordKind.meta) this.#metadata.take(record, file, position)
    else if (record.kind === recordKind.touch) this.#checkTouch(record, file, position)
    else this.#checkObject(record, file, position)
  }

  #checkObject(record: ScannedRecord, file: string, position: number): void {
    this.#counts.objects++
    const { bytes, hashStart } = record
    if (!isInPart(bytes, hashStart, this.#hashedPart)) return
    this.#counts.hashed++
    const hash = hashOfBody(record)
    if (hash === undefined) this.bigBlobs.push(record.offset)
    else if (!sameHashBytes(Buffer.from(hash, 'latin1'), 0, bytes, hashStart)) {
      this.#refuse(record, file, position, 'its content does not have its hash')
      return
    }
    const wrong = malformation(record)
    if (wrong !== undefined) this.#refuse(record, file, position, `its body is malformed: ${wrong}`)
  }

  #refuse(record: ScannedRecord, file: string, position: number, what: string): void {
    const finding = this.#findings.error(this.#layer.named(file), position, what, false)
    finding.hash = rawToHex(readHash(record.bytes, record.hashStart))
  }

  #checkTouch(record: ScannedRecord, file: string, position: number): void {
    try {
      decodeTouch(record.bytes, record.bodyStart, record.bodyEnd)
    } catch (error) {
      if (!(error instanceof MalformedBody)) throw error
      this.#findings.error(this.#layer.named(file), position, `a touch is malformed: ${error.message}`, false)
    }
  }

  #checkPadding({ bytes, at, bodyEnd }: ScannedRecord, file: string, position: number): void {
    const padded = at + ((bodyEnd - at + 7) & ~7)
    for (let i = bodyEnd; i < padded; i++) {
      if (bytes[i] === 0) continue
      const offset = position + i - at
      this.#findings.warning(this.#layer.named(file), offset, 'a byte behind a record should be zero')
    }
  }
}
