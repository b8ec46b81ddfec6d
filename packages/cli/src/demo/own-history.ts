import { fileURLToPath } from 'node:url'
import { formatBytes } from '@varve/pack/base'
import type { Store } from '@varve/store'
import { GitFailed, GitRepository } from '../git/index.ts'
import { importRepository } from '../git-import/index.ts'
import type { Host } from '../host/index.ts'
import type { Stage } from './stage.ts'

/** From dist/demo up to the root of the workspace. */
const project: string = fileURLToPath(new URL('../../../..', import.meta.url))

/** Imports the history of this project, if it is here and whole; says so when it is not. */
export async function importOwnHistory(store: Store, host: Host, stage: Stage): Promise<void> {
  const repository = await openProject(host, stage)
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
  await stage.say(
    `Imported the project's own history: ${commits} commits, ${trees} trees, ${blobs} blobs ` +
      `(${formatBytes(bytes)}) in ${seconds.toFixed(1)} s.`,
  )
}

async function openProject(host: Host, stage: Stage): Promise<GitRepository | undefined> {
  try {
    const { environment, files, interrupted } = host
    const repository = await GitRepository.open({ folder: project, environment, signal: interrupted })
    if ((await files.kind(repository.shallowFile)) === undefined) return repository
    await stage.say('This copy of the project has no whole history: a generated one takes its place.')
  } catch (cause) {
    if (!(cause instanceof GitFailed)) throw cause
    await stage.say(
      `The project's history cannot be read (${firstLine(cause.said)}): a generated one takes its place.`,
    )
  }
  return undefined
}

function firstLine(text: string): string {
  return text.split('\n')[0] ?? ''
}
