import type { MessagePort } from 'node:worker_threads'
import { type Clock, loadXxh64, systemClock } from '@varve/pack/base'
import { abortedError, fromPlainError } from '@varve/pack/errors'
import type { FileSystem, FileSystemOrigin } from '@varve/pack/fs'
import { Copier } from '../../copying/index.ts'
import type { CollectProgress, CopyJob, CopyResult } from '../../job/index.ts'
import { JobThread, openLine } from '../job-thread.ts'
import { newNonce } from '../nonce.ts'
import type { Outcome } from '../protocol.ts'
import type { ThreadKeeper } from '../thread-keeper.ts'
import { asCopyFailure } from './copy-failure.ts'
import type { CopyNews, CopyTask } from './serve-copy.ts'

export interface CopyOptions {
  readonly fileSystem: FileSystem
  /** 'inline' runs on the calling thread. Default: 'thread' where the file system can cross to one. */
  readonly where?: 'thread' | 'inline' | undefined
  readonly signal: AbortSignal
  /** Every file of the source is open: they may lose their names. */
  readonly onOpened: () => void
  readonly onProgress?: ((progress: CollectProgress) => void) | undefined
  /** Where the thread comes from and, after a copy that was made, goes back to. Default: a new one, ended. */
  readonly threads?: ThreadKeeper | undefined
  /** For 'inline'. */
  readonly clock?: Clock | undefined
}

/**
 * Copies a store on a thread. When it settles, also after an abort, nothing of it touches a file any more;
 * what a failure leaves in the output folder is the caller's to delete.
 * @throws REF_NOT_FOUND, CORRUPT, NEWER_FORMAT, NO_SPACE, COPY_FAILED, ABORTED
 */
export async function runCopy(job: CopyJob, o: CopyOptions): Promise<CopyResult> {
  const { origin } = o.fileSystem
  const isInline = (o.where ?? (origin === undefined ? 'inline' : 'thread')) === 'inline'
  try {
    return isInline || origin === undefined ? await copyHere(job, o) : await copyThere(job, o, origin)
  } catch (error) {
    throw asCopyFailure(error, job.output.dir)
  }
}

async function copyHere(job: CopyJob, o: CopyOptions): Promise<CopyResult> {
  await loadXxh64()
  const { onOpened, onProgress, signal } = o
  const clock = o.clock ?? systemClock
  const copier = new Copier(o.fileSystem, job, { clock, newNonce, onOpened, onProgress })
  const stop = (): void => copier.stop(abortedError(signal))
  signal.addEventListener('abort', stop, { once: true })
  try {
    if (signal.aborted) throw abortedError(signal)
    return await copier.run()
  } finally {
    signal.removeEventListener('abort', stop)
  }
}

async function copyThere(job: CopyJob, o: CopyOptions, origin: FileSystemOrigin): Promise<CopyResult> {
  const { signal, threads } = o
  let stop = (): void => {}
  const stopped = new Promise<never>((_, reject) => {
    stop = () => reject(abortedError(signal))
  })
  // Nobody may be waiting for it yet, or any more.
  stopped.catch(() => {})
  signal.addEventListener('abort', stop, { once: true })
  const thread = await (threads?.take() ?? JobThread.start())
  const line = openLine()
  line.near.on('message', (news: CopyNews) => {
    if (news.kind === 'opened') o.onOpened()
    else o.onProgress?.(news.progress)
  })
  line.near.unref()
  let isWhole = false
  try {
    if (signal.aborted) throw abortedError(signal)
    const task: CopyTask<MessagePort> = { job, origin, port: line.far }
    const running = thread.run<Outcome<CopyResult>>('copy', task, [line.far])
    running.catch(() => {})
    const outcome = await Promise.race([running, stopped])
    if (!outcome.ok) throw fromPlainError(outcome)
    isWhole = true
    return outcome.value
  } finally {
    signal.removeEventListener('abort', stop)
    line.near.close()
    if (isWhole && threads !== undefined) threads.giveBack(thread)
    else await thread.end()
  }
}
