/** The only file that starts processes: `git`, with its output as a stream and its failures as errors. */
import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { devNull } from 'node:os'
import type { Readable, Writable } from 'node:stream'
import { GitFailed } from './git-failed.ts'

/** At most this much of what git says on stderr is kept: its last bytes. */
const STDERR_CHARS_MAX = 8_192

/**
 * Variables by which a caller's own repository (a hook, an alias) would take the place of the one named here.
 * The list is that of `git rev-parse --local-env-vars`.
 */
const LOCAL_VARIABLES: readonly string[] = [
  'GIT_ALTERNATE_OBJECT_DIRECTORIES',
  'GIT_COMMON_DIR',
  'GIT_CONFIG',
  'GIT_CONFIG_COUNT',
  'GIT_CONFIG_PARAMETERS',
  'GIT_DIR',
  'GIT_GRAFT_FILE',
  'GIT_IMPLICIT_WORK_TREE',
  'GIT_INDEX_FILE',
  'GIT_INTERNAL_SUPER_PREFIX',
  'GIT_NO_REPLACE_OBJECTS',
  'GIT_OBJECT_DIRECTORY',
  'GIT_PREFIX',
  'GIT_REPLACE_REF_BASE',
  'GIT_SHALLOW_FILE',
  'GIT_WORK_TREE',
]

/** Neither replaced objects nor the hint about `info/grafts`, which would be taken for what went wrong. */
const SETTINGS: readonly string[] = ['--no-replace-objects', '-c', 'advice.graftFileDeprecated=false']

export interface GitOptions {
  /** Any folder in the repository, or the repository itself when it is bare. */
  readonly folder: string
  readonly environment: Readonly<Record<string, string | undefined>>
  /** Set beside the environment, for this process only. */
  readonly variables?: Readonly<Record<string, string>> | undefined
  readonly signal?: AbortSignal | undefined
}

type Exit =
  | { readonly kind: 'failed'; readonly cause: Error }
  | { readonly kind: 'ended'; readonly code: number | null; readonly signal: string | null }

/** One running git. Reading its output to the end and then `done()` is what a caller owes it, or `stop()`. */
export class GitProcess {
  readonly #child: ChildProcessByStdio<Writable, Readable, Readable>
  readonly #what: string
  readonly #exited: Promise<Exit>
  #stderr = ''
  #isStopped = false

  constructor(args: readonly string[], options: GitOptions) {
    this.#what = args[0] ?? ''
    this.#child = spawn('git', [...SETTINGS, '-C', options.folder, ...args], {
      stdio: ['pipe', 'pipe', 'pipe'],
      env: environmentFor(options),
      windowsHide: true,
    })
    this.#exited = new Promise((resolve) => {
      this.#child.once('error', (cause) => resolve({ kind: 'failed', cause }))
      this.#child.once('close', (code, signal) => resolve({ kind: 'ended', code, signal }))
    })
    this.#child.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr = (this.#stderr + text).slice(-STDERR_CHARS_MAX)
    })
    // A git that has ended early closes its input; why it ended is told by its exit, through done().
    this.#child.stdin.on('error', () => {})
    this.#child.stdout.on('error', () => {})
    const stop = (): void => this.stop()
    options.signal?.addEventListener('abort', stop, { once: true })
    // An import starts many, one after another, under one signal.
    this.#child.once('close', () => options.signal?.removeEventListener('abort', stop))
    if (options.signal?.aborted === true) this.stop()
  }

  get stdout(): Readable {
    return this.#child.stdout
  }

  /** Resolves once git may be given more. */
  write(text: string | Uint8Array): Promise<void> {
    const stdin = this.#child.stdin
    if (stdin.destroyed || stdin.write(text)) return Promise.resolve()
    return new Promise((resolve) => {
      const go = (): void => {
        stdin.off('drain', go).off('close', go)
        resolve()
      }
      stdin.once('drain', go).once('close', go)
    })
  }

  end(): void {
    this.#child.stdin.end()
  }

  /** Resolves when git has ended well. @throws GitFailed */
  async done(): Promise<void> {
    const exit = await this.#exited
    if (this.#isStopped) return
    if (exit.kind === 'failed') {
      const isAbsent = 'code' in exit.cause && exit.cause.code === 'ENOENT'
      const said = isAbsent ? 'the git command was not found' : exit.cause.message
      throw new GitFailed(this.#what, said, exit.cause)
    }
    if (exit.code === 0) return
    const how = exit.code === null ? `ended by ${exit.signal}` : `exit code ${exit.code}`
    throw new GitFailed(this.#what, this.#stderr.trim() || how)
  }

  /** Ends git now; whatever it would have said is not an error. Idempotent. */
  stop(): void {
    if (this.#isStopped) return
    this.#isStopped = true
    this.#child.stdin.destroy()
    this.#child.stdout.destroy()
    this.#child.kill()
  }
}

/** All that a git command prints. For short output only. @throws GitFailed */
export async function gitOutput(
  args: readonly string[],
  options: GitOptions,
  input?: string,
): Promise<Buffer> {
  const git = new GitProcess(args, options)
  if (input !== undefined) void git.write(input)
  git.end()
  const parts: Buffer[] = []
  for await (const part of git.stdout) parts.push(part as Buffer)
  await git.done()
  return Buffer.concat(parts)
}

function environmentFor(options: GitOptions): Record<string, string | undefined> {
  const environment: Record<string, string | undefined> = { ...options.environment }
  for (const name of LOCAL_VARIABLES) delete environment[name]
  return {
    ...environment,
    // Parents are what commits say, not what `info/grafts` puts in their place.
    GIT_GRAFT_FILE: devNull,
    // Messages are read by this program (and never translated), locks are for those who write, and a partial
    // clone must say what it lacks instead of fetching it.
    LC_ALL: 'C',
    GIT_OPTIONAL_LOCKS: '0',
    GIT_NO_LAZY_FETCH: '1',
    GIT_TERMINAL_PROMPT: '0',
    ...options.variables,
  }
}
