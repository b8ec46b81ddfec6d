import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const fixed = {
  GIT_AUTHOR_NAME: 'Ada',
  GIT_AUTHOR_EMAIL: 'ada@example.org',
  GIT_AUTHOR_DATE: '1700000000 +0200',
  GIT_COMMITTER_NAME: 'Bob',
  GIT_COMMITTER_EMAIL: 'bob@example.org',
  GIT_COMMITTER_DATE: '1700000100 -0330',
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_CONFIG_GLOBAL: '/dev/null',
}

/** A bare repository in a temporary folder, made of objects that are written one by one. */
export class TestRepository {
  readonly folder: string = mkdtempSync(join(tmpdir(), 'varve-git-'))

  constructor(format: 'sha1' | 'sha256' = 'sha1') {
    this.git(['init', '--quiet', '--bare', '--initial-branch=main', `--object-format=${format}`])
  }

  git(args: readonly string[], input: string | Uint8Array = ''): string {
    const result = spawnSync('git', ['-C', this.folder, ...args], {
      input,
      env: { ...process.env, ...fixed },
      maxBuffer: 1 << 30,
    })
    if (result.status !== 0) throw new Error(`git ${args.join(' ')}: ${result.stderr.toString()}`)
    return result.stdout.toString('latin1').trimEnd()
  }

  object(type: 'blob' | 'tree' | 'commit' | 'tag', content: string | Uint8Array): string {
    return this.git(['hash-object', '-w', '--stdin', '-t', type, '--literally'], content)
  }

  blob(content: string | Uint8Array): string {
    return this.object('blob', content)
  }

  /** Entries as they stand: nothing is sorted, no mode mended. */
  tree(entries: readonly (readonly [mode: string, name: string | Buffer, id: string])[]): string {
    const parts = entries.map(([mode, name, id]) =>
      Buffer.concat([Buffer.from(`${mode} `), Buffer.from(name), Buffer.from([0]), Buffer.from(id, 'hex')]),
    )
    return this.object('tree', Buffer.concat(parts))
  }

  commit(tree: string, parents: readonly string[] = [], message = 'a message\n'): string {
    const lines = [`tree ${tree}`, ...parents.map((id) => `parent ${id}`)]
    const ada = 'author Ada <ada@example.org> 1700000000 +0200'
    const bob = 'committer Bob <bob@example.org> 1700000100 -0330'
    return this.object('commit', `${[...lines, ada, bob].join('\n')}\n\n${message}`)
  }

  ref(name: string, id: string): void {
    this.git(['update-ref', name, id])
  }

  /** Takes an object's file away. */
  lose(id: string): void {
    rmSync(join(this.folder, 'objects', id.slice(0, 2), id.slice(2)), { force: true })
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true })
  }
}
