import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { pipeline } from 'node:stream/promises'

/** What Git says of its version; `undefined` where there is none. */
export function gitVersion(): string | undefined {
  const { status, stdout } = spawnSync('git', ['--version'], { encoding: 'utf8' })
  return status === 0 ? stdout.replace(/^git version /, '').trim() : undefined
}

/**
 * Runs Git in a folder, feeding it the pieces as fast as it takes them; returns what it prints. Nobody's
 * settings count. @throws Error when it fails
 */
export async function git(
  folder: string,
  args: readonly string[],
  input: Iterable<string | Buffer> = [],
): Promise<Buffer> {
  const child = spawn('git', ['-C', folder, ...args], {
    env: environment(),
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const [ended, fed, printed] = await Promise.allSettled([
    exitCode(child),
    pipeline(Readable.from(input, { objectMode: true }), child.stdin),
    buffer(child.stdout),
  ])
  if (ended.status === 'rejected') throw ended.reason
  if (ended.value !== 0) throw new Error(`git ${args.join(' ')} ended with ${ended.value}`)
  if (fed.status === 'rejected') throw fed.reason
  if (printed.status === 'rejected') throw printed.reason
  return printed.value
}

export async function initRepository(folder: string): Promise<void> {
  await git('.', ['init', '--quiet', '--bare', '--initial-branch=main', folder])
}

async function exitCode(child: ChildProcess): Promise<number | null> {
  const [code] = (await once(child, 'close')) as [number | null]
  return code
}

function environment(): NodeJS.ProcessEnv {
  const own = Object.entries(process.env).filter(([name]) => !name.startsWith('GIT_'))
  return {
    ...Object.fromEntries(own),
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_CONFIG_GLOBAL: '/dev/null',
    GIT_AUTHOR_NAME: 'bench',
    GIT_AUTHOR_EMAIL: 'bench@example.org',
    GIT_COMMITTER_NAME: 'bench',
    GIT_COMMITTER_EMAIL: 'bench@example.org',
    LC_ALL: 'C',
  }
}
