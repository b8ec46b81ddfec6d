import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { formatBytes } from '@varve/pack/base'
import type { Store } from '@varve/store'
import { GitFailed, GitRepository } from '../git/index.ts'
import { importRepository } from '../git-import/index.ts'
import type { Host } from '../host/index.ts'
import type { Stage } from './stage.ts'

/** From dist/demo up to the root of the workspace. */
const project: string = fileURLToPath(new URL('../../../..', import.meta.url))

/**
 * Imports the history of this project, or of the repository that was asked for, if it is there and whole;
 * says so when it is not.
 */
export async function importOwnHistory(
  store: Store,
  o: { readonly host: Host; readonly stage: Stage; readonly asked: string | undefined },
): Promise<void> {
  const { host, stage, asked } = o
  const folder = asked === undefined ? project : resolve(host.folder, asked)
  const repository = await openWhole(folder, host, stage)
  if (repository === undefined) return
  const { files, clock, interrupted } = host
  const startedMs = clock.monotonic()
  const total = await repository.objectCount()
  const { outcome } = await importRepository({
    ...{ store, repository, files, refs: [], missing: 'skip', force: false, signal: interrupted },
    onProgress: ({ commits, trees, blobs, bytes }) =>
      stage.show({ label: 'importing', done: commits + trees + blobs, total, bytes }),
  })
  const { commits, trees, blobs, bytes } = outcome.counts
  const seconds = (clock.monotonic() - startedMs) / 1_000
  const what = asked === undefined ? "the project's own history" : folder
  await stage.say(
    `Imported ${what}: ${commits} commits, ${trees} trees, ${blobs} blobs ` +
      `(${formatBytes(bytes)}) in ${seconds.toFixed(1)} s.`,
  )
}

async function openWhole(folder: string, host: Host, stage: Stage): Promise<GitRepository | undefined> {
  try {
    const { environment, files, interrupted } = host
    const repository = await GitRepository.open({ folder, environment, signal: interrupted })
    if ((await files.kind(repository.shallowFile)) === undefined) return repository
    await stage.say(
      'The repository is a shallow clone, without its whole history: a generated one takes its place.',
    )
  } catch (cause) {
    if (!(cause instanceof GitFailed)) throw cause
    await stage.say(`No history can be read (${firstLine(cause.said)}): a generated one takes its place.`)
  }
  return undefined
}

function firstLine(text: string): string {
  return text.split('\n')[0] ?? ''
}
