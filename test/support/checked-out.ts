import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Commit, Store } from '@varve/store'
import { checkout, NodeFiles, type UnlikeGit } from 'varve/internal'
import { git } from './git-command.ts'

const attributes = '* -text -filter -ident -working-tree-encoding\n'

/** Checks commits out, one after another, and asks Git what it makes of the files. */
export class CheckedOut {
  readonly #store: Store
  readonly #folder: string = mkdtempSync(join(tmpdir(), 'varve-checkout-'))
  readonly #isFresh: boolean
  readonly #env: Readonly<Record<string, string>>

  /**
   * @param o.repository where Git finds the objects, so that it need not write them
   * @param o.isFresh whether each checkout becomes a Git repository of its own; else one is used for all,
   * with a new index for each, which is faster
   */
  constructor(store: Store, o: { readonly repository: string; readonly isFresh: boolean }) {
    this.#store = store
    this.#isFresh = o.isFresh
    const objects = git(o.repository, ['rev-parse', '--path-format=absolute', '--git-path', 'objects'])
    const home = join(this.#folder, 'home')
    if (!o.isFresh) initialise(home)
    const own = { GIT_DIR: join(home, '.git'), GIT_WORK_TREE: join(this.#folder, 'files') }
    this.#env = { GIT_ALTERNATE_OBJECT_DIRECTORIES: objects, ...(!o.isFresh && own) }
  }

  /** The tree id that `git write-tree` prints, and what the checkout says it cannot give back. */
  async treeId(commit: Commit): Promise<{ id: string; unlike: readonly UnlikeGit[] }> {
    const folder = join(this.#folder, 'files')
    rmSync(folder, { recursive: true, force: true })
    const report = await checkout(commit.tree(), folder, {
      store: this.#store,
      files: new NodeFiles(),
      existing: 'refuse',
      allowDotGit: false,
      signal: new AbortController().signal,
    })
    if (this.#isFresh) initialise(folder)
    else rmSync(join(this.#folder, 'home', '.git', 'index'), { force: true })
    git(folder, ['add', '-A', '-f', '.'], { env: this.#env })
    const id = git(folder, ['write-tree'], { env: this.#env })
    return { id, unlike: report.unlikeGit.map(({ reason }) => reason) }
  }

  remove(): void {
    rmSync(this.#folder, { recursive: true, force: true })
  }
}

function initialise(folder: string): void {
  mkdirSync(folder, { recursive: true })
  git(folder, ['init', '--quiet'])
  mkdirSync(join(folder, '.git', 'info'), { recursive: true })
  writeFileSync(join(folder, '.git', 'info', 'attributes'), attributes)
}
