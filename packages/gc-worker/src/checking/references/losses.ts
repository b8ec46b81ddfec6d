import { VarveError } from '@varve/pack/errors'
import { type IndexKind, indexKind, type RawHash, rawToHex, readHash, recordKind } from '@varve/pack/objects'
import { brokenMax, type CheckFinding } from '../check-job.ts'
import type { Layer } from '../files/layer.ts'
import { addLoss, type Findings } from '../findings.ts'
import type { MetadataRoot } from '../metadata-pass.ts'
import { LostPaths } from './lost-paths.ts'
import type { Parent } from './reference-pass.ts'

/** At most so many objects that are gone are told apart, and so many records that need them remembered. */
const goneMax = 10_000
const taintedMax = 1_000_000

/** What a reference should lead to. */
export interface Target {
  readonly offset: number
  readonly kind: IndexKind
  readonly hash: RawHash
}

const kindNames: Readonly<Record<IndexKind, string>> = {
  [indexKind.blob]: 'blob',
  [indexKind.tree]: 'tree',
  [indexKind.commit]: 'commit',
  [indexKind.list]: 'list of a large blob',
}

/**
 * References that lead nowhere: whether another copy of the object stands in, and what is lost where none
 * does. Records that need something lost are *tainted*; through them, and only them, goes the way from the
 * commits to the paths that are lost.
 */
export class Losses {
  readonly #layer: Layer
  readonly #others: readonly Layer[]
  readonly #findings: Findings
  readonly #isUpper: boolean
  readonly #hasVolumesAway: boolean
  /** By `keyOf` the target; a copy stands in where there is no finding of a loss. */
  readonly #gone = new Map<string, CheckFinding | undefined>()
  readonly #tainted = new Set<number>()
  readonly #commits: number[] = []

  /**
   * @param o.others where copies may be too
   * @param o.isUpper it may refer into the others
   */
  constructor(o: {
    readonly layer: Layer
    readonly others: readonly Layer[]
    readonly isUpper: boolean
    readonly findings: Findings
    readonly hasVolumesAway: boolean
  }) {
    this.#isUpper = o.isUpper
    this.#layer = o.layer
    this.#others = o.others
    this.#findings = o.findings
    this.#hasVolumesAway = o.hasVolumesAway
  }

  /** Records that need something lost. */
  get taintedCount(): number {
    return this.#tainted.size
  }

  isTainted(offset: number): boolean {
    return this.#tainted.has(offset)
  }

  taint(offset: number, kind: number): void {
    if (this.#tainted.size >= taintedMax || this.#tainted.has(offset)) return
    this.#tainted.add(offset)
    if (kind === recordKind.commit) this.#commits.push(offset)
  }

  /** No record of that kind and hash lies at the target. True: the object is lost to the parent. */
  unresolved(parent: Parent, target: Target): boolean {
    const key = keyOf(target)
    if (this.#gone.has(key)) return this.#gone.get(key) !== undefined
    if (this.#liesElsewhere(target) || this.#gone.size >= goneMax) return false
    const copy = this.#copyOf(target)
    const finding = this.#findingFor(parent, target)
    this.#want(target, copy, finding)
    this.#gone.set(key, copy === undefined ? finding : undefined)
    this.#name(target, finding)
    if (copy === undefined) finding.repairable = false
    else this.#noteCopy(finding, copy)
    return copy === undefined
  }

  /** A branch, a tag, or whatever the metadata name. */
  root({ name, reference, offset }: MetadataRoot): void {
    if (this.#liesElsewhere(reference)) return
    const copy = this.#copyOf(reference)
    const covered = this.#findings.coverOf(this.#layer.files.prefix, reference.offset)
    const what = `${name} names a ${kindNames[reference.kind]} that is not there`
    const finding = covered ?? this.#at(offset, what)
    this.#want(reference, copy, finding)
    if (covered !== undefined) covered.what += `; ${name} names it`
    this.#name(reference, finding)
    if (copy !== undefined) this.#noteCopy(finding, copy)
    else {
      finding.repairable = false
      addLoss(finding, reference.hash, '')
    }
  }

  /** A structural reference that does not point down, in a record that may not have one. */
  upward(parent: Parent, child: number): void {
    this.#at(parent.offset, `it refers upwards, to ${child}`).hash = hashOf(parent)
  }

  malformed(parent: Parent): void {
    this.#at(parent.offset, 'its body is malformed').hash = hashOf(parent)
  }

  /**
   * Tells with each loss the commits and paths at which it was.
   * @throws what the file system throws
   */
  trace(): void {
    if (this.#commits.length === 0) return
    const paths = new LostPaths(this.#layer.reader, {
      isTainted: (offset) => this.#tainted.has(offset),
      lossOf: (target) => this.#gone.get(keyOf(target)),
    })
    // What was written last is what people look for.
    let isEnough = false
    for (const offset of this.#commits.sort((a, b) => b - a)) {
      if (this.#findings.broken.length >= brokenMax) return
      try {
        this.#findings.broken.push(rawToHex(this.#layer.reader.record(offset).hash))
        if (!isEnough) isEnough = !paths.follow(offset)
      } catch (error) {
        if (!VarveError.is(error, 'CORRUPT') && !VarveError.is(error, 'COLLECTED')) throw error
      }
    }
  }

  #liesElsewhere({ offset, kind, hash }: Target): boolean {
    const first = this.#layer.files.chunks[0]?.base ?? Number.MAX_SAFE_INTEGER
    if (offset >= first || !this.#isUpper) return false
    return this.#hasVolumesAway || this.#others.some((layer) => layer.holds(kind, hash, offset))
  }

  #findingFor(parent: Parent, target: Target): CheckFinding {
    const covered = this.#findings.coverOf(this.#layer.files.prefix, target.offset)
    if (covered !== undefined) return covered
    const what = `it refers to a ${kindNames[target.kind]} that is not at ${target.offset}`
    return this.#at(parent.offset, what)
  }

  /** A damaged record's own word for its hash may be damaged too. */
  #name({ kind, hash: raw, offset }: Target, finding: CheckFinding): void {
    const hash = rawToHex(raw)
    const { prefix } = this.#layer.files
    if (this.#findings.startsAt(finding, offset)) finding.hash = hash
    finding.hash ??= hash
    if (this.#findings.coverOf(prefix, offset) === finding)
      this.#findings.name({ prefix, offset, kind, hash })
  }

  /** A copy in another layer is not one that this layer can do with. */
  #want({ kind, hash }: Target, copy: FilePlace | undefined, { file }: CheckFinding): void {
    const { prefix } = this.#layer.files
    if (copy === undefined || !copy.isOwn) this.#findings.want({ kind, hash: rawToHex(hash), prefix, file })
  }

  /** Another whole record of the object, in this layer or in one of the others. */
  #copyOf({ kind, hash, offset }: Target): FilePlace | undefined {
    const own = this.#layer.findCopy(kind, hash, offset)
    if (own !== undefined) return { ...this.#layer.placeOf(own), isOwn: true }
    for (const layer of this.#others) {
      const other = layer.findCopy(kind, hash, -1)
      if (other !== undefined) return { ...layer.placeOf(other), isOwn: false }
    }
    return undefined
  }

  #noteCopy(finding: CheckFinding, { file, offset }: FilePlace): void {
    if (finding.lost === undefined && finding.isDoubt !== true) finding.repairable = true
    if (!finding.what.includes('; a whole copy')) finding.what += `; a whole copy is in ${file} at ${offset}`
  }

  /** An error at the record of that virtual offset. */
  #at(offset: number, what: string): CheckFinding {
    const place = this.#layer.placeOf(offset)
    return this.#findings.error(place.file, place.offset, what, false)
  }
}

interface FilePlace {
  readonly file: string
  readonly offset: number
  readonly isOwn: boolean
}

function keyOf({ offset, kind, hash }: Target): string {
  return `${offset} ${kind} ${hash}`
}

function hashOf(parent: Parent): string {
  return rawToHex(readHash(parent.bytes, parent.at + 16))
}
