import { spawn } from 'node:child_process'

/**
 * What one commit changes against its first parent: paths as raw names, and Git's id of the blob now there.
 */
export interface GitCommit {
  readonly changes: readonly { readonly path: readonly string[]; readonly id: string | undefined }[]
}

/** The first-parent history of HEAD, oldest first. Submodules count as files. */
export async function* gitHistory(repository: string): AsyncGenerator<GitCommit> {
  const format = ['--reverse', '--first-parent', '-m', '--root', '--no-renames', '--no-abbrev', '--raw', '-z']
  const git = spawn('git', ['-C', repository, 'log', ...format, '--format=%x01'])
  let changes: { path: readonly string[]; id: string | undefined }[] | undefined
  let status: string | undefined
  for await (const field of fields(git.stdout)) {
    if (status !== undefined) {
      changes?.push({ path: field.split('/'), id: status.endsWith(' D') ? undefined : status.split(' ')[3] })
      status = undefined
    } else if (field.startsWith('\x01')) {
      if (changes !== undefined) yield { changes }
      changes = []
    } else if (field.startsWith(':')) status = field
  }
  if (changes !== undefined) yield { changes }
}

/** Parts between NULs, bytes as characters, without the line ends that Git puts in front. */
async function* fields(output: AsyncIterable<Buffer>): AsyncGenerator<string> {
  let rest = ''
  for await (const piece of output) {
    const parts = (rest + piece.toString('latin1')).split('\0')
    rest = parts.pop() as string
    for (const part of parts) yield part.replace(/^\n+/, '')
  }
  if (rest !== '') yield rest
}
