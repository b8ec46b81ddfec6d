/** `copyTo`: a new store of what some branches, tags, and commits hold. */
import { runCopy } from '@varve/gc-worker'
import { listenerOf, VarveError } from '@varve/pack/errors'
import type { CopyOptions, CopyReport } from '../api/index.ts'
import { type CapturedFiles, captureFiles, outdatedFailure } from './captured-files.ts'
import type { CopiesParts } from './store-copies.ts'
import { claimFolder, type TargetFolder } from './target-folder.ts'

/** A collection may replace files while a copy is opening them; then it begins again with the new ones. */
const ATTEMPTS_MAX = 16

export async function copyStore(
  parts: CopiesParts,
  dir: string,
  o: CopyOptions,
  signal: AbortSignal,
): Promise<CopyReport> {
  const target = await claimFolder(parts.fs, dir)
  try {
    const report = await copyInto(parts, target, o, signal)
    await target.sync()
    return report
  } catch (error) {
    await target.discard()
    throw error
  }
}

async function copyInto(
  parts: CopiesParts,
  target: TargetFolder,
  o: CopyOptions,
  signal: AbortSignal,
): Promise<CopyReport> {
  for (let attempt = 1; ; attempt++) {
    const captured = await captureFiles(parts)
    const run = new CopyRun(parts, captured)
    try {
      return await run.into(target.path, o, signal)
    } catch (error) {
      if (run.isOpened || !VarveError.is(error, 'CORRUPT')) throw error
      const failure = await outdatedFailure(parts, captured, error)
      if (failure !== undefined) throw failure
      if (attempt === ATTEMPTS_MAX) throw error
      await removeFiles(parts, target.path)
    } finally {
      run.release()
    }
  }
}

/** One attempt, on the files of one moment. */
class CopyRun {
  readonly #parts: CopiesParts
  readonly #captured: CapturedFiles
  #isHeld = true
  isOpened = false

  constructor(parts: CopiesParts, captured: CapturedFiles) {
    this.#parts = parts
    this.#captured = captured
  }

  into(dir: string, o: CopyOptions, signal: AbortSignal): Promise<CopyReport> {
    const { fs, where, clock, threads } = this.#parts
    return runCopy(this.#jobFor(dir, o), {
      ...{ fileSystem: fs, where, clock, threads, signal },
      onProgress: listenerOf(o.onProgress),
      onOpened: () => {
        this.isOpened = true
        this.release()
      },
    })
  }

  /** From now on the files may go. */
  release(): void {
    if (!this.#isHeld) return
    this.#isHeld = false
    this.#captured.space.release()
  }

  /** Commits are looked up in the same step that reads what they lie in. */
  #jobFor(dir: string, o: CopyOptions): Parameters<typeof runCopy>[0] {
    const { folder, storeId, random, clock, findCommit } = this.#parts
    const { lowerPath } = this.#captured
    const { control, end, lengths } = this.#captured
    const { refs, commits, depth } = o
    return {
      ...{ dir: folder, storeId: storeId(), end, timeMs: clock.now() },
      previous: {
        retire: control.retire,
        chunks: control.chunks.map(({ number, base }, i) => {
          return { number, base, length: lengths[i] as number }
        }),
        segments: control.segments,
        checkpoint: control.checkpoint ?? undefined,
        lower: lowerPath === undefined ? undefined : { path: lowerPath, volumes: control.volumes },
      },
      output: { dir, storeId: random(16).toString('hex') },
      refs: refs ?? (commits === undefined ? undefined : []),
      commits: Float64Array.from(commits ?? [], (commit) => findCommit(commit).offset),
      depth: depth === Number.POSITIVE_INFINITY ? undefined : depth,
    }
  }
}

async function removeFiles({ fs }: CopiesParts, dir: string): Promise<void> {
  for (const name of await fs.list(dir)) await fs.remove(`${dir}/${name}`)
}
