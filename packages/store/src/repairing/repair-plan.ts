/** What can be done about the findings of a check. */
import type { WantedObject } from '@varve/gc-worker'
import { classifyFile } from '@varve/pack/layout'
import { hexToRaw } from '@varve/pack/objects'
import type { CheckFinding, Hash } from '../api/index.ts'
import type { Examined } from '../checking/index.ts'
import { type Donor, donorOf } from './donor.ts'
import type { FileCopies } from './duplicates/index.ts'
import type { FileMends, Patch } from './mending/index.ts'
import type { RepairStep } from './repair-step.ts'

export interface PlanParts {
  readonly examined: Examined
  /** Files that lie whole elsewhere. */
  readonly copies: FileCopies
  /** What can be made whole of damaged chunks. */
  readonly mends: FileMends
  /** Chunks that do not open: gone, too short, or without a whole header. */
  readonly shut: ReadonlySet<string>
  /** Where objects are looked for: volumes of this store, and the source. */
  readonly donors: readonly Donor[]
}

type FilePlanParts = Pick<PlanParts, 'examined' | 'copies' | 'mends' | 'shut'>

/** Steps that make files whole; in the order in which they are to be taken. */
export function fileSteps({ examined, copies, mends, shut }: FilePlanParts): RepairStep[] {
  const { findings } = examined.report
  const files = [...new Set(findings.filter(isError).map(({ file }) => file))]
  const isMade = (pack: string): boolean => !shut.has(pack) || mends.has(pack) || copies.has(pack)
  const steps = files.flatMap((file): RepairStep[] => {
    const name = file.slice(file.indexOf('/') + 1)
    const kind = classifyFile(name)
    switch (kind.kind) {
      case 'control':
      case 'manifest':
        return findings.some((f) => f.file === file && f.repairable) ? [{ action: 'rewrite', file }] : []
      case 'chunk-index':
      case 'segment-index':
        return isHealthy(findings, packOf(file)) && isMade(packOf(file)) ? [{ action: 'rebuild', file }] : []
      case 'filter':
        return [{ action: 'rebuild', file }]
      case 'chunk':
        return mends.has(file) ? mendSteps(file, mends) : restoreSteps(file, copies)
      case 'segment':
      case 'segment-map':
      case 'checkpoint':
        return restoreSteps(file, copies)
      default:
        return []
    }
  })
  // What is made of pack files needs them first.
  const rank = ({ action, file = '' }: RepairStep): number =>
    action === 'rewrite' ? 0 : action === 'rebuild' && !file.endsWith('.pack') ? 2 : 1
  return steps.sort((a, b) => rank(a) - rank(b))
}

/** Objects to be put again, and those that nobody has. */
export function objectSteps(
  { examined, donors }: Pick<PlanParts, 'examined' | 'donors'>,
  restored: ReadonlySet<string>,
): { readonly steps: RepairStep[]; readonly hopeless: readonly WantedObject[] } {
  const steps: RepairStep[] = []
  const hopeless: WantedObject[] = []
  const seen = new Set<string>()
  for (const wanted of examined.result.wanted) {
    const key = `${wanted.kind} ${wanted.hash}`
    // What a volume lacks belongs into the volume: see `restore`.
    if (restored.has(wanted.file) || wanted.prefix !== '' || seen.has(key)) continue
    seen.add(key)
    const donor = donorOf(donors, { kind: wanted.kind, hash: hexToRaw(wanted.hash) })
    if (donor === undefined) hopeless.push(wanted)
    else steps.push({ action: 'put', hash: wanted.hash as Hash, from: donor.path })
  }
  return { steps, hopeless }
}

/**
 * Findings that no step is about. Damage of which the store has another whole copy itself needs none.
 */
export function remainingOf(
  examined: Examined,
  steps: readonly RepairStep[],
  mends: FileMends = new Map(),
): CheckFinding[] {
  const files = new Set(steps.flatMap(({ file }) => file ?? []))
  const isLeft = ({ file, offset }: CheckFinding): boolean => mends.get(file)?.left.has(offset) === true
  const patchAt = ({ file, offset }: CheckFinding): Patch | undefined =>
    mends.get(file)?.patches.find(({ start, end }) => offset >= start && offset < end)
  const isMended = (finding: CheckFinding): boolean => {
    const mend = mends.get(finding.file)
    if (mend === undefined || mend.isAll) return true
    const patch = patchAt(finding)
    // Behind a file's header that is damaged nothing else is told yet.
    return patch !== undefined && patch.isLost !== true && patch.start > 0
  }
  const hashes = new Set(steps.flatMap(({ hash }) => hash ?? []))
  const wanted = new Set(examined.result.wanted.map(({ hash }) => hash))
  // Until it is mended nobody knows what else was there, whatever copies there are of one object.
  const doubts = examined.result.findings.filter(({ isDoubt }) => isDoubt)
  const inDoubt = new Set(doubts.map(({ file, offset }) => `${offset} ${file}`))
  return examined.report.findings.filter((finding) => {
    const { file, offset, hash, repairable, severity } = finding
    if (isLeft(finding)) return true
    if (severity === 'warning' || (files.has(file) && isMended(finding))) return false
    if (inDoubt.has(`${offset} ${file}`) && patchAt(finding) === undefined) return true
    if (hash === undefined) return true
    return wanted.has(hash) ? !hashes.has(hash) : !repairable
  })
}

function isError({ severity }: CheckFinding): boolean {
  return severity === 'error'
}

function isHealthy(findings: readonly CheckFinding[], pack: string): boolean {
  // The index of a damaged chunk is made of what is left of it; that of a segment is not made at all.
  return /suffix-/.test(pack) || !findings.some(({ file, severity }) => file === pack && severity === 'error')
}

function packOf(index: string): string {
  return index.replace(/\.idx$/, '.pack')
}

function mendSteps(file: string, mends: FileMends): RepairStep[] {
  const mend = mends.get(file)
  if (mend === undefined) return []
  return [
    mend.from === undefined ? { action: 'rebuild', file } : { action: 'restore', file, from: mend.from },
  ]
}

function restoreSteps(file: string, copies: FileCopies): RepairStep[] {
  const copy = copies.get(file)
  return copy === undefined ? [] : [{ action: 'restore', file, from: copy.from }]
}
