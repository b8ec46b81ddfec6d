import { VarveError } from '@varve/pack/errors'
import { type RawHash, rawToHex } from '@varve/pack/objects'
import {
  type CheckFinding,
  findingsListedMax,
  lostListedMax,
  type NamedDamage,
  namedMax,
  type WantedObject,
  wantedMax,
} from './check-job.ts'

/** A stretch of one layer's address space of which not all is whole, and what was said about it. */
export interface DamagedStretch {
  readonly prefix: string
  /** Virtual: [low, high). */
  readonly low: number
  readonly high: number
  readonly finding: CheckFinding
}

/** At most so many stretches are remembered; damage beyond them is counted only. */
const stretchesMax = 10_000

/** What a check has found so far: as many findings as can be listed, and the number of the others. */
export class Findings {
  readonly listed: CheckFinding[] = []
  readonly stretches: DamagedStretch[] = []
  readonly missing: string[] = []
  readonly wanted: WantedObject[] = []
  readonly broken: string[] = []
  readonly named: NamedDamage[] = []
  #omitted = 0

  get omitted(): number {
    return this.#omitted
  }

  error(file: string, offset: number, what: string, isRepairable: boolean): CheckFinding {
    return this.#add({ severity: 'error', file, offset, what, repairable: isRepairable })
  }

  warning(file: string, offset: number, what: string): CheckFinding {
    return this.#add({ severity: 'warning', file, offset, what, repairable: true })
  }

  /**
   * The same out of an error of damage; another one is thrown on.
   * @param prefix of the layer's file names
   */
  corrupt(prefix: string, error: unknown, what: string, isRepairable: boolean): CheckFinding {
    if (!VarveError.is(error, 'CORRUPT')) throw error
    const { file, offset } = error.details
    return this.error(prefix + file, offset, what, isRepairable)
  }

  /** References into the stretch that lead nowhere belong to this finding. */
  cover(stretch: DamagedStretch): void {
    if (this.stretches.length < stretchesMax) this.stretches.push(stretch)
  }

  coverOf(prefix: string, offset: number): CheckFinding | undefined {
    return this.stretches.find((s) => s.prefix === prefix && offset >= s.low && offset < s.high)?.finding
  }

  /** Whether what is told is told of the record that lies there. */
  startsAt(finding: CheckFinding, offset: number): boolean {
    return this.stretches.some((s) => s.finding === finding && s.low === offset)
  }

  want(object: WantedObject): void {
    if (this.wanted.length < wantedMax) this.wanted.push(object)
  }

  name(damage: NamedDamage): void {
    if (this.named.length < namedMax) this.named.push(damage)
  }

  #add(finding: CheckFinding): CheckFinding {
    if (this.listed.length < findingsListedMax) this.listed.push(finding)
    else this.#omitted++
    return finding
  }
}

/** Notes that the finding lost something at that place; false when no more is listed. */
export function addLoss(finding: CheckFinding, commit: RawHash, path: string): boolean {
  finding.lost ??= []
  if (finding.lost.length >= lostListedMax) return false
  const hex = rawToHex(commit)
  if (!finding.lost.some((loss) => loss.commit === hex && loss.path === path)) {
    finding.lost.push({ commit: hex, path })
  }
  return true
}
