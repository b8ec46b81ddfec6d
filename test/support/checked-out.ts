import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Commit, Store } from '@varve/store'
import { checkout, NodeFiles, type UnlikeGit } from 'varve/internal'
import { git } from './git-command.ts'

/** Checks commits out, one after another, and asks Git what it makes of the files. */
export class CheckedOut {
  readonly #store: Store
  readonly #folder: string = mkdtempSync(join(tmpdir(), 'varve-checkout-'))
  readonly #objects: string

  /** @param repository where Git finds the objects, so that it need not write them */
  constructor(store: Store, repository: string) {
    this.#store = store
    this.#objects = git(repository, ['rev-parse', '--path-format=absolute', '--git-path', 'objects'])
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
    git(folder, ['init', '--quiet'])
    mkdirSync(join(folder, '.git', 'info'), { recursive: true })
    writeFileSync(
      join(folder, '.git', 'info', 'attributes'),
      '* -text -filter -ident -working-tree-encoding\n',
    )
    const env = { GIT_ALTERNATE_OBJECT_DIRECTORIES: this.#objects }
    git(folder, ['add', '-A', '-f', '.'], { env })
    return { id: git(folder, ['write-tree'], { env }), unlike: report.unlikeGit.map(({ reason }) => reason) }
  }

  remove(): void {
    rmSync(this.#folder, { recursive: true, force: true })
  }
}
