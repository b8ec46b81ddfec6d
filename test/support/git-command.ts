import { spawnSync } from 'node:child_process'

/** Whoever runs the tests has settings of their own; these do not depend on them. */
const fixed: Readonly<Record<string, string>> = {
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_CONFIG_GLOBAL: '/dev/null',
  GIT_AUTHOR_NAME: 'Ada',
  GIT_AUTHOR_EMAIL: 'ada@example.org',
  GIT_AUTHOR_DATE: '1700000000 +0200',
  GIT_COMMITTER_NAME: 'Bob',
  GIT_COMMITTER_EMAIL: 'bob@example.org',
  GIT_COMMITTER_DATE: '1700000100 -0330',
  LC_ALL: 'C',
}

/** What git prints, as Latin-1, without the last newline. */
export function git(
  folder: string,
  args: readonly string[],
  o: { readonly input?: string | Uint8Array; readonly env?: Readonly<Record<string, string>> } = {},
): string {
  const env: Record<string, string | undefined> = { ...process.env, ...fixed, ...o.env }
  for (const name of ['GIT_DIR', 'GIT_WORK_TREE', 'GIT_INDEX_FILE'])
    if (o.env?.[name] === undefined) delete env[name]
  const result = spawnSync('git', ['-C', folder, ...args], { input: o.input ?? '', env, maxBuffer: 1 << 30 })
  if (result.status !== 0) throw new Error(`git ${args.join(' ')}: ${result.stderr?.toString()}`)
  return result.stdout.toString('latin1').replace(/\n$/, '')
}
