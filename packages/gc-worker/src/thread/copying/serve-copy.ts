import type { MessagePort } from 'node:worker_threads'
import { assert, loadXxh64, systemClock } from '@varve/pack/base'
import { toPlainError } from '@varve/pack/errors'
import type { FileSystem, FileSystemOrigin } from '@varve/pack/fs'
import { Copier } from '../../copying/index.ts'
import type { CollectProgress, CopyJob, CopyResult } from '../../job/index.ts'
import { newNonce } from '../nonce.ts'
import type { Outcome } from '../protocol.ts'
import { asCopyFailure } from './copy-failure.ts'

/** The task of one copy; `port` is transferred with it. */
export interface CopyTask<Port> {
  readonly job: CopyJob
  readonly origin: FileSystemOrigin
  readonly port: Port
}

export type CopyNews =
  | { readonly kind: 'progress'; readonly progress: CollectProgress }
  | { readonly kind: 'opened' }

/** What runs on the thread: never rejects. */
export async function serveCopy(
  task: CopyTask<MessagePort>,
  createFileSystem: (origin: FileSystemOrigin) => Promise<FileSystem>,
): Promise<Outcome<CopyResult>> {
  const { job, port } = task
  const post = (news: CopyNews): void => port.postMessage(news)
  try {
    await loadXxh64()
    const copier = new Copier(await createFileSystem(task.origin), job, {
      ...{ clock: systemClock, newNonce },
      onOpened: () => post({ kind: 'opened' }),
      onProgress: (progress) => post({ kind: 'progress', progress }),
    })
    return { ok: true, value: await copier.run() }
  } catch (error) {
    const plain = toPlainError(asCopyFailure(error, job.output.dir))
    assert(plain !== undefined, 'a failure of a copy has a code')
    return { ok: false, ...plain }
  } finally {
    port.close()
  }
}
