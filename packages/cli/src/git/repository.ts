import { dirname, resolve } from 'node:path'
import { GitFailed } from './git-failed.ts'
import { type IdSize, isGitId } from './git-id.ts'
import { type GitOptions, gitOutput } from './git-process.ts'
import { type FeedOptions, ObjectFeed } from './object-feed.ts'
import { ObjectReader } from './object-reader.ts'

export interface GitRef {
  /** The exact name, 'refs/heads/…'. Git allows any bytes from 0x80 up. */
  readonly nameBytes: Buffer
  /** What it points to: a commit, or any other object. Hex. */
  readonly id: string
}

/** A local repository, read through the git command only. */
export class GitRepository {
  readonly #options: GitOptions
  /** Its `.git` folder, or the bare repository itself. */
  readonly folder: string
  readonly idSize: IdSize
  /**
   * Lists the commits, one id a line, that Git takes for such without parents; there in shallow clones only.
   */
  readonly shallowFile: string
  /** Where refs lie that are files, `refs`; a worktree has those of its repository. */
  readonly refsFolder: string

  private constructor(options: GitOptions, facts: Facts) {
    this.#options = options
    this.folder = facts.folder
    this.idSize = facts.idSize
    this.shallowFile = facts.shallowFile
    this.refsFolder = facts.refsFolder
  }

  /** @throws GitFailed when there is no repository, or no git */
  static async open(options: GitOptions): Promise<GitRepository> {
    const paths = ['--git-path', 'shallow', '--git-path', 'refs/heads']
    const args = ['rev-parse', '--git-dir', '--show-object-format', ...paths]
    const lines = (await gitOutput(args, options)).toString('utf8').split('\n')
    const [folder = '', format, shallowFile = '', heads = ''] = lines
    return new GitRepository(options, {
      folder: resolve(options.folder, folder),
      idSize: format === 'sha256' ? 32 : 20,
      shallowFile: resolve(options.folder, shallowFile),
      refsFolder: dirname(resolve(options.folder, heads)),
    })
  }

  /** The refs below these prefixes ('refs/heads') or of these patterns, in the order of their names. */
  async refs(patterns: readonly string[]): Promise<GitRef[]> {
    const args = ['for-each-ref', '--format=%(objectname) %(refname)', ...patterns]
    return linesOf(await gitOutput(args, this.#options)).map((line) => {
      const at = line.indexOf(' ')
      return { id: line.toString('latin1', 0, at), nameBytes: line.subarray(at + 1) }
    })
  }

  /** The one ref of this name, long or short ('HEAD', 'origin/main', 'refs/notes/commits'). */
  async ref(name: string): Promise<GitRef | undefined> {
    if (name.startsWith('-')) return undefined
    try {
      const id = await this.#line(['rev-parse', '--verify', '--quiet', name])
      const fullName = await this.#line(['rev-parse', '--symbolic-full-name', name])
      if (!isGitId(id) || fullName === '') return undefined
      // A name that is not under refs/ (HEAD pointing to a branch) is called as it was asked for.
      return { id, nameBytes: Buffer.from(name === 'HEAD' ? 'HEAD' : fullName) }
    } catch (cause) {
      if (cause instanceof GitFailed) return undefined
      throw cause
    }
  }

  /** About how many objects there are: those in no history count as well, those in two packs count twice. */
  async objectCount(): Promise<number> {
    const text = (await gitOutput(['count-objects', '-v'], this.#options)).toString('latin1')
    const count = (key: string): number => Number(new RegExp(`^${key}: (\\d+)$`, 'm').exec(text)?.[1] ?? 0)
    return count('count') + count('in-pack')
  }

  feed(options: Omit<FeedOptions, keyof GitOptions>, variables?: GitOptions['variables']): ObjectFeed {
    return new ObjectFeed({ ...this.#options, ...options, variables }, this.idSize)
  }

  reader(): ObjectReader {
    return new ObjectReader(this.#options, this.idSize)
  }

  async #line(args: readonly string[]): Promise<string> {
    return (await gitOutput(args, this.#options)).toString('utf8').split('\n')[0] ?? ''
  }
}

interface Facts {
  readonly folder: string
  readonly idSize: IdSize
  readonly shallowFile: string
  readonly refsFolder: string
}

function linesOf(bytes: Buffer): Buffer[] {
  const lines: Buffer[] = []
  for (let at = 0; at < bytes.length; ) {
    const end = bytes.indexOf(10, at)
    lines.push(bytes.subarray(at, end < 0 ? bytes.length : end))
    at = end < 0 ? bytes.length : end + 1
  }
  return lines
}
