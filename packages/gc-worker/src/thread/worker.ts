import { constants, getPriority, setPriority } from 'node:os'
import { isMainThread, type MessagePort } from 'node:worker_threads'
import { loadXxh64, systemClock } from '@varve/pack/base'
import * as disk from '@varve/pack/fs'
import { IndexEntries, ScanMemory } from '@varve/pack/pack'
import { Checker, type CheckResult } from '../checking/index.ts'
import { Collector } from '../collector/index.ts'
import { buildIndex } from '../indexing/index.ts'
import type { CopyResult } from '../job/index.ts'
import { type CopyTask, serveCopy } from './copying/index.ts'
import { outcomeOf } from './failure.ts'
import { newNonce } from './nonce.ts'
import type {
  CheckMessage,
  CheckTask,
  CollectAnswer,
  CollectReply,
  CollectRequest,
  CollectTask,
  IndexTask,
  Outcome,
} from './protocol.ts'

/**
 * What runs on the thread. Nothing here rejects: outcomes travel as data, and only a dying thread looks
 * otherwise.
 */

/** Serves one collection until its port closes or `finish` has been answered. */
export async function collect(task: CollectTask<MessagePort>): Promise<Outcome<undefined>> {
  const { port } = task
  const post = (reply: CollectReply): void => port.postMessage(reply)
  const started = await outcomeOf(async () => {
    await loadXxh64()
    const fs = await createFileSystem(task.origin)
    return new Collector(fs, task.job, {
      clock: systemClock,
      newNonce,
      onProgress: (progress) => post({ kind: 'progress', progress }),
      onIndexed: (chunk, isThere) => post({ kind: 'indexed', chunk, isThere }),
    })
  })
  if (!started.ok) return started
  await serve(port, started.value, post)
  // The thread may be kept for another collection: nothing of this one stays open.
  await started.value.close()
  return { ok: true, value: undefined }
}

/** Makes a copy of a store. */
export function copy(task: CopyTask<MessagePort>): Promise<Outcome<CopyResult>> {
  return serveCopy(task, createFileSystem)
}

/** A thread builds one index after another. */
const indexMemory = { memory: new ScanMemory(), entries: new IndexEntries() }

/** Builds the index of one sealed chunk. */
export async function index(task: IndexTask): Promise<Outcome<undefined>> {
  if (task.givesWay) giveWay()
  return outcomeOf(async () => {
    await loadXxh64()
    await buildIndex(await createFileSystem(task.origin), task.job, indexMemory)
    return undefined
  })
}

/** Runs a check. It is ended with its thread. */
export async function check(task: CheckTask<MessagePort>): Promise<Outcome<CheckResult>> {
  const { port } = task
  const post = (message: CheckMessage): void => port.postMessage(message)
  const outcome = await outcomeOf(async () => {
    await loadXxh64()
    const fs = await createFileSystem(task.origin)
    const checker = new Checker(fs, task.job, {
      clock: systemClock,
      onProgress: (progress) => post({ kind: 'progress', progress }),
      onOpened: () => post({ kind: 'opened' }),
    })
    return checker.run()
  })
  port.close()
  return outcome
}

/**
 * Where the program has more to do than processors to do it, it goes first. Only Linux has priorities of
 * single threads; elsewhere 0 would be the whole process.
 */
function giveWay(): void {
  if (isMainThread || process.platform !== 'linux') return
  try {
    setPriority(0, Math.max(getPriority(0), constants.priority.PRIORITY_BELOW_NORMAL))
  } catch {
    // Whatever forbids it, the index gets built.
  }
}

/** One request at a time, in the order of their arrival: the caller sends the next one after the answer. */
async function serve(
  port: MessagePort,
  collector: Collector,
  post: (reply: CollectReply) => void,
): Promise<void> {
  await new Promise<void>((resolve) => {
    port.once('close', resolve)
    port.on('message', (request: CollectRequest) => {
      void outcomeOf(() => answer(collector, request)).then((outcome) => {
        post({ kind: 'answer', id: request.id, outcome })
        if (request.method === 'finish' && outcome.ok) resolve()
      })
    })
  })
  port.close()
}

async function answer(collector: Collector, request: CollectRequest): Promise<CollectAnswer> {
  switch (request.method) {
    case 'sweep':
      return collector.sweep()
    case 'catchUp':
      return collector.catchUp(request.round)
    case 'finish':
      return collector.finish()
  }
}

async function createFileSystem(origin: disk.FileSystemOrigin): Promise<disk.FileSystem> {
  // Nearly always this one: then nothing has to be loaded.
  if (origin.module === disk.nodeFileSystemModule) return disk.createFileSystem(origin.options)
  const module = (await import(origin.module)) as { createFileSystem(options: unknown): disk.FileSystem }
  return module.createFileSystem(origin.options)
}
