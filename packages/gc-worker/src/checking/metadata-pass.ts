import { fileName } from '@varve/pack/layout'
import { MalformedBody, type MetaReference, metaTable } from '@varve/pack/objects'
import { type MetaEntry, MetaState, referencesOf } from '@varve/pack/pack'
import type { ScannedRecord } from '../source/index.ts'
import type { Layer } from './files/layer.ts'
import type { Findings } from './findings.ts'

/** What holds objects: a reference of the metadata state. */
export interface MetadataRoot {
  /** For people: 'branch main'. */
  readonly name: string
  readonly reference: MetaReference
  /** Of the record that says so. */
  readonly offset: number
}

/**
 * The metadata records of the log. Those before the checkpoint must agree with it, as far as the log there is
 * still at hand; those after it, laid over it, are the state, and its references are the roots.
 */
export class MetadataPass {
  readonly #layer: Layer
  readonly #findings: Findings
  /** From the checkpoint on. */
  readonly #changes = new MetaState({ keepsDeleted: true })
  /** Before it: what is left of the log that it was made from. */
  readonly #before = new MetaState({ keepsDeleted: true })
  readonly #position: number
  #hasDamage = false

  constructor(layer: Layer, findings: Findings) {
    this.#layer = layer
    this.#findings = findings
    this.#position = layer.files.checkpoint?.position ?? 0
  }

  take(record: ScannedRecord, file: string, position: number): void {
    const { bytes: buf, bodyStart, bodyEnd, referenceCount, offset } = record
    const state = offset < this.#position ? this.#before : this.#changes
    try {
      state.apply({ buf, bodyStart, bodyEnd, referenceCount, offset })
    } catch (error) {
      if (!(error instanceof MalformedBody)) throw error
      this.#findings.error(
        this.#layer.named(file),
        position,
        `metadata is malformed: ${error.message}`,
        false,
      )
      this.#hasDamage = true
    }
  }

  /** A record is damaged that is, or may be, one of metadata: then not all can be compared. */
  noteDamage(): void {
    this.#hasDamage = true
  }

  /** Compares with the checkpoint, and gives the roots. */
  finish(): MetadataRoot[] {
    this.#compare()
    const state = new MetaState()
    for (const entry of this.#layer.checkpoint ?? []) state.put(entry)
    for (const entry of this.#changes.entries()) state.put(entry)
    const roots: MetadataRoot[] = []
    for (const entry of state.entries()) {
      for (const reference of referencesOf(entry)) {
        roots.push({ name: nameOf(entry), reference, offset: entry.offset })
      }
    }
    return roots
  }

  #compare(): void {
    const { checkpoint } = this.#layer
    if (checkpoint === undefined || this.#hasDamage) return
    const first = this.#layer.files.chunks[0]?.base ?? 0
    const seen = new Set<MetaEntry>()
    for (const entry of checkpoint) {
      const logged = this.#before.get(entry.table, entry.key)
      if (logged !== undefined) seen.add(logged)
      const isSame = logged !== undefined && logged.offset === entry.offset && logged.body.equals(entry.body)
      // What was said below the log's present start nobody else knows.
      const isBelow = logged === undefined && entry.offset < first
      if (!isSame && !isBelow) this.#disagrees(entry)
    }
    for (const entry of this.#before.entries())
      if (!entry.isDeleted && !seen.has(entry)) this.#disagrees(entry)
  }

  #disagrees(entry: MetaEntry): void {
    const { checkpoint } = this.#layer.files
    const file = this.#layer.named(fileName.checkpoint(checkpoint?.number ?? 0))
    this.#findings.error(file, 0, `it does not say of ${nameOf(entry)} what the log says`, false)
  }
}

const tableNames: Readonly<Record<number, string>> = {
  [metaTable.labels]: 'label',
  [metaTable.leases]: 'lease',
  [metaTable.namespaces]: 'namespace',
  [metaTable.snapshots]: 'snapshot',
}

function nameOf({ table, key }: MetaEntry): string {
  const text = Buffer.from(key, 'latin1').toString('utf8')
  if (table !== metaTable.refs) return `${tableNames[table] ?? 'key'} ${text}`
  return text.startsWith('tags/') ? `tag ${text.slice(5)}` : `branch ${text.replace(/^heads\//, '')}`
}
