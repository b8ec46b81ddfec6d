/** One check of files that somebody names and holds, on a thread. */
import { type CheckedFilter, type CheckResult, CheckThread, type LayerFiles } from '@varve/gc-worker'
import type { Clock } from '@varve/pack/base'
import type { FileSystem } from '@varve/pack/fs'
import type { ControlState } from '@varve/pack/pack'
import type { CheckFinding, CheckOptions, CheckReport, Hash } from '../api/index.ts'

/** The files of a store as they are at one moment. */
export interface FilesToCheck {
  /** The upper layer first. */
  readonly layers: readonly LayerFiles[]
  /** Whose control file is checked. */
  readonly controlFolder: string | undefined
  /** Of volumes; they lie in the folder of the upper layer. */
  readonly filters: readonly CheckedFilter[]
  /** What was found on the way to the files. */
  readonly findings: readonly CheckFinding[]
  readonly hasVolumesAway: boolean
  /** Whether the store still consists of them: else what is missing has gone for good reasons. */
  readonly isCurrent: () => boolean | Promise<boolean>
  /** They may go now. */
  readonly release: () => void
}

export interface CheckRunParts {
  readonly fs: FileSystem
  readonly where: 'thread' | 'inline' | undefined
  readonly clock: Clock
  readonly hold: () => Promise<FilesToCheck>
  /** What is found beside the files: in the projections, say. */
  readonly others: () => Promise<readonly CheckFinding[]>
}

/** What a check says, and what it knows besides. */
export interface Examined {
  readonly report: CheckReport
  readonly result: CheckResult
}

/**
 * Runs a check, and again where a collection of another process has removed what it was about to open.
 * @param onStart told of each thread, so that whoever closes the store can end it
 * @throws ABORTED, GC_FAILED (the thread died, or the disk fails), NEWER_FORMAT, and what `hold` throws
 */
export async function runCheck(
  parts: CheckRunParts,
  o: CheckOptions,
  onStart: (thread: CheckThread) => void = () => {},
): Promise<Examined> {
  let isSure = false
  for (;;) {
    const held = await parts.hold()
    try {
      const thread = threadFor(parts, held, { ...o, endsWhereMissing: !isSure })
      onStart(thread)
      const result = await thread.run()
      const isWhole = result.missing.length === 0
      const isCurrent = isWhole || (await held.isCurrent())
      if (isWhole || (isCurrent && isSure)) {
        return { result, report: reportOf(result, [...held.findings, ...(await parts.others())]) }
      }
      // Missing, and no collection has come between: what else is wrong is to be found as well.
      isSure = isCurrent
    } finally {
      held.release()
    }
  }
}

/** The filter files that a control names. */
export function filtersOf({ volumes }: ControlState): CheckedFilter[] {
  return volumes.flatMap(({ id, filters }) => filters.map((number) => ({ number, volume: id })))
}

function threadFor(
  { fs, where, clock }: CheckRunParts,
  held: FilesToCheck,
  o: CheckOptions & { readonly endsWhereMissing: boolean },
): CheckThread {
  const { layers, filters, controlFolder, hasVolumesAway } = held
  const hashedPart = o.full === true ? 1 : (o.sample ?? 0)
  const { signal, onProgress, endsWhereMissing } = o
  return new CheckThread(
    { layers, filters, controlFolder, hasVolumesAway, hashedPart, endsWhereMissing },
    { fileSystem: fs, where, clock, signal, onProgress },
  )
}

function reportOf(result: CheckResult, others: readonly CheckFinding[]): CheckReport {
  const { objects, bytes, hashed, omitted } = result
  const findings = [...result.findings.map(asPublic), ...others]
  return { ok: findings.length === 0 && omitted === 0, findings, omitted, objects, bytes, hashed }
}

function asPublic({ hash, lost, isDoubt: _, ...finding }: CheckResult['findings'][number]): CheckFinding {
  return {
    ...finding,
    ...(hash !== undefined && { hash: hash as Hash }),
    ...(lost !== undefined && {
      lost: lost.map(({ commit, path }) => ({ commit: commit as Hash<'commit'>, path })),
    }),
  }
}
