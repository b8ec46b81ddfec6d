import { createHash } from 'node:crypto'
import { existsSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { entryMode, hexToRaw } from '@varve/pack/objects'
import { GitRepository, gitExtra, rebuildCommit } from '../../git/index.ts'
import { TestRepository } from '../../git/testing/test-repository.ts'
import { importHistory } from '../import-history.ts'
import type { ImportOutcome } from '../import-outcome.ts'
import { knownHistory, type StoredCommit } from '../known-commits.ts'
import { MemorySink } from './memory-sink.ts'

const open: TestRepository[] = []

export function newRepository(format?: 'sha1' | 'sha256'): TestRepository {
  const repository = new TestRepository(format)
  open.push(repository)
  return repository
}

/** To be called after each test. */
export function removeRepositories(): void {
  for (const repository of open.splice(0)) repository.remove()
}

export interface Run {
  readonly sink?: MemorySink
  readonly missing?: 'refuse' | 'skip'
  readonly known?: readonly StoredCommit[]
}

export async function importFrom(
  from: TestRepository,
  tips: readonly string[],
  run: Run = {},
): Promise<{ readonly sink: MemorySink; readonly outcome: ImportOutcome }> {
  const sink = run.sink ?? new MemorySink()
  const repository = await GitRepository.open({ folder: from.folder, environment: process.env })
  const outcome = await importHistory(tips, {
    repository,
    sink,
    known: await knownHistory(iterate(run.known ?? []), repository.idSize),
    missing: run.missing ?? 'refuse',
    shallow: new Set(
      existsSync(repository.shallowFile)
        ? readFileSync(repository.shallowFile, 'utf8').trim().split('\n')
        : [],
    ),
    withoutParents: async (commits) => {
      const folder = mkdtempSync(join(from.folder, 'cut-'))
      writeFileSync(join(folder, 'shallow'), commits.map((id) => `${id}\n`).join(''))
      return { GIT_SHALLOW_FILE: join(folder, 'shallow') }
    },
  })
  return { sink, outcome }
}

export async function* iterate<T>(items: readonly T[]): AsyncGenerator<T> {
  yield* items
}

/** Git's id of a directory in the sink, computed from what the sink holds. */
export function treeId(sink: MemorySink, hash: string, algorithm: 'sha1' | 'sha256' = 'sha1'): string {
  const parts = sink.entriesOf(hexToRaw(hash)).map((entry) => {
    const content = entry.mode === entryMode.directory ? undefined : sink.contentOf(entry.hash)
    const hex = Buffer.from(entry.hash, 'latin1').toString('hex')
    const id =
      entry.mode === entryMode.submodule
        ? content!.toString()
        : content === undefined
          ? treeId(sink, hex, algorithm)
          : objectId(algorithm, 'blob', content)
    const mode = ['100644', '100755', '120000', '160000', '40000'][entry.mode]
    const name = Buffer.from(entry.name, 'latin1')
    const key = entry.mode === entryMode.directory ? Buffer.concat([name, Buffer.from('/')]) : name
    return {
      key,
      bytes: Buffer.concat([Buffer.from(`${mode} `), name, Buffer.from([0]), Buffer.from(id, 'hex')]),
    }
  })
  parts.sort((a, b) => Buffer.compare(a.key, b.key))
  return objectId(algorithm, 'tree', Buffer.concat(parts.map((part) => part.bytes)))
}

function objectId(algorithm: string, type: string, content: Buffer): string {
  return createHash(algorithm).update(`${type} ${content.length}\0`).update(content).digest('hex')
}

/** Git's id of a commit, computed from what the sink holds. */
export function commitId(
  sink: MemorySink,
  commit: StoredCommit,
  algorithm: 'sha1' | 'sha256' = 'sha1',
): string {
  const tree = commit.extra[gitExtra.tree] ?? treeId(sink, commit.treeHash, algorithm)
  const fields = { ...commit, dateMs: commit.date.getTime() }
  return objectId(algorithm, 'commit', rebuildCommit({ ...fields, tree }))
}

export function stored(sink: MemorySink, outcome: ImportOutcome, id: string): StoredCommit {
  const commit = sink.commits.get(outcome.commitHash(id) ?? '')
  if (commit === undefined) throw new Error(`${id} was not imported`)
  return commit
}

/** All commits of the sink, each before its parents. */
export function log(sink: MemorySink): StoredCommit[] {
  return [...sink.commits.values()].reverse()
}
