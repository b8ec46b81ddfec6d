import type { Write } from '../workloads/workloads.ts'

interface ImportOptions {
  readonly branch: string
  /** Begins the message of each commit. */
  readonly name: string
  /** Whether the branch begins here, or goes on. */
  readonly isNew: boolean
}

/**
 * Commits of a workload as `git fast-import` reads them, one at a time, so that they never exist as a whole.
 */
export function* importScript(commits: Iterable<readonly Write[]>, o: ImportOptions): Generator<Buffer> {
  let count = 0
  for (const writes of commits) {
    const message = `${o.name} ${count}`
    const from = count === 0 && !o.isNew ? `from ${o.branch}^0\n` : ''
    const head =
      `commit ${o.branch}\ncommitter bench <bench@example.org> ${count} +0000\n` +
      `data ${message.length}\n${message}\n${from}`
    yield Buffer.concat([Buffer.from(head), ...writes.flatMap(fileParts)])
    count++
  }
}

function fileParts({ path, value }: Write): Buffer[] {
  const head = `M 100644 inline ${path.join('/')}\ndata ${value.length}\n`
  return [Buffer.from(head), value, Buffer.from('\n')]
}
