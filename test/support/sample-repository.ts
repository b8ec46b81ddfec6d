import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { git } from './git-command.ts'

const crowdCount = 10_000

/** Writes a history as `git fast-import` reads it. Bytes are Latin-1 characters. */
class HistoryScript {
  #text = ''
  #mark = 0
  #seconds = 1_600_000_000

  commit(
    ref: string,
    o: { from?: number; merge?: readonly number[]; message?: string; encoding?: string },
  ): number {
    const mark = ++this.#mark
    const message = o.message ?? `commit ${mark}\n\nwith a body\n`
    this.#seconds += 3_601
    this.#text +=
      `commit ${ref}\nmark :${mark}\n` +
      `author Ad\u00c3\u00a4 <ada@example.org> ${this.#seconds} +0530\n` +
      `committer Bob <bob@example.org> ${this.#seconds + 7} -0330\n` +
      (o.encoding === undefined ? '' : `encoding ${o.encoding}\n`) +
      `data ${message.length}\n${message}\n` +
      (o.from === undefined ? '' : `from :${o.from}\n`) +
      (o.merge ?? []).map((other) => `merge :${other}\n`).join('')
    return mark
  }

  file(path: string, content: string, mode: '100644' | '100755' | '120000' = '100644'): void {
    this.#text += `M ${mode} inline ${quoted(path)}\ndata ${content.length}\n${content}\n`
  }

  submodule(path: string, id: string): void {
    this.#text += `M 160000 ${id} ${quoted(path)}\n`
  }

  delete(path: string): void {
    this.#text += `D ${quoted(path)}\n`
  }

  rename(from: string, to: string): void {
    this.#text += `R ${quoted(from)} ${quoted(to)}\n`
  }

  tag(name: string, from: number, message: string): void {
    const tagger = 'Eve <eve@example.org> 1600000999 +0100'
    this.#text += `tag ${name}\nfrom :${from}\ntagger ${tagger}\ndata ${message.length}\n${message}\n`
  }

  reset(ref: string, from: number): void {
    this.#text += `reset ${ref}\nfrom :${from}\n`
  }

  get bytes(): Buffer {
    return Buffer.from(`${this.#text}done\n`, 'latin1')
  }
}

/**
 * A repository with one of everything: merges, an octopus, renames, deletions, links, executables, a
 * submodule, an empty commit, 10,000 files in one directory, names in Latin-1, annotated tags, tags of a tag,
 * a tree, and a blob, a message that is no UTF-8, a signature, refs outside of branches and tags. Its ids
 * never change.
 */
export function makeSampleRepository(): string {
  const folder = mkdtempSync(join(tmpdir(), 'varve-sample-'))
  git(folder, ['init', '--quiet', '--bare', '--initial-branch=main'])
  const script = new HistoryScript()
  const crowded = writeOrdinary(script)
  writeOdd(script, crowded)
  git(folder, ['fast-import', '--quiet', '--done'], { input: script.bytes })
  addByHand(folder)
  return folder
}

/** Files that come, change, move, and go; gives the last commit. */
function writeOrdinary(script: HistoryScript): number {
  const main = 'refs/heads/main'
  let last = script.commit(main, {})
  for (let n = 0; n < 40; n++) script.file(`src/part${n % 5}/file${n}.txt`, `file ${n}\n`.repeat(n + 1))
  script.file('bin/run', '#!/bin/sh\n', '100755')
  script.file('bin/link', '../src/part0/file0.txt', '120000')
  for (let n = 0; n < 12; n++) {
    last = script.commit(main, { from: last })
    script.file(`src/part${n % 5}/file${n}.txt`, `changed in ${n}\n`)
    if (n === 3) script.rename('src/part1', 'src/moved/part1')
    if (n === 5) script.delete('src/part2')
    if (n === 7) script.file('a', 'a file beside a directory of nearly its name')
    if (n === 7) script.file('a-b/x', 'sorts between')
    if (n === 7) script.file('a.b/x', 'sorts between')
    if (n === 9) script.file('bin/run', '#!/bin/bash\n', '100644')
  }
  return last
}

function writeOdd(script: HistoryScript, from: number): void {
  const main = 'refs/heads/main'
  let last = script.commit(main, { from, message: 'nothing changes\n' })
  last = script.commit(main, { from: last, message: 'a crowd comes\n' })
  for (let n = 0; n < crowdCount; n++) script.file(`crowd/${n.toString(36)}-${n * 7919}`, `${n % 100}\n`)
  last = script.commit(main, { from: last, message: 'one of the crowd changes\n' })
  script.file('crowd/0-0', 'changed\n')
  last = script.commit(main, { from: last, message: 'the crowd goes\n' })
  script.delete('crowd')
  last = script.commit(main, { from: last })
  script.file('caf\u00e9/\u00fcber \u00df', 'names in Latin-1\n')
  script.file('caf\u00c3\u00a9', 'the same in UTF-8\n')
  script.file('tab\there', 'a control character\n')
  script.file('__proto__', 'an ordinary name\n')
  const heads = [0, 1, 2].map((n) => {
    const head = script.commit(`refs/heads/topic/${n}`, { from: last })
    script.file(`topic${n}`, `topic ${n}\n`)
    return head
  })
  const first = heads[0]!
  last = script.commit(main, { from: last, merge: [first] })
  script.file('topic0', 'topic 0\n')
  last = script.commit(main, { from: last, merge: heads.slice(1), message: 'an octopus\n' })
  script.file('topic1', 'topic 1\n')
  script.file('topic2', 'topic 2\n')
  last = script.commit(main, { from: last })
  script.submodule('vendor/lib', '0123456789abcdef0123456789abcdef01234567')
  last = script.commit(main, { from: last, message: 'gr\u00fc\u00dfe\n', encoding: 'ISO-8859-1' })
  script.delete('vendor')
  script.file('large', 'large '.repeat(60_000))
  last = script.commit(main, { from: last, message: 'no line break at the end' })
  script.delete('caf\u00e9')
  const other = script.commit('refs/heads/unrelated', { message: 'another root\n' })
  script.file('alone', 'alone\n')
  script.tag('v1', first, 'first release\n\nwith notes\n')
  script.reset('refs/notes/reviews', other)
  script.reset('refs/remotes/origin/main', last)
}

/** What fast-import does not write. */
function addByHand(folder: string): void {
  const head = git(folder, ['rev-parse', 'main'])
  const tree = git(folder, ['rev-parse', 'main^{tree}'])
  const who = 'Eve <eve@example.org> 1600500000 +0000'
  const signature =
    'gpgsig -----BEGIN PGP SIGNATURE-----\n \n iQEzBAABCAAdFiEE\n =abcd\n -----END PGP SIGNATURE-----\n'
  const object = (type: string, content: string): string =>
    git(folder, ['hash-object', '-w', '--stdin', '-t', type, '--literally'], {
      input: Buffer.from(content, 'latin1'),
    })
  const lines = `tree ${tree}\nparent ${head}\nauthor ${who}\ncommitter ${who}\n`
  const signed = object('commit', `${lines}${signature}\nsigned\n`)
  const broken = object('commit', lines.replace(head, signed).concat('\nbytes \u00ff\u00fe of no encoding\n'))
  git(folder, ['update-ref', 'refs/heads/main', broken])
  git(folder, ['update-ref', 'refs/tags/light', signed])
  const tag = (name: string, id: string, type: string): string =>
    object('tag', `object ${id}\ntype ${type}\ntag ${name}\ntagger ${who}\n\nabout ${name}\n`)
  git(folder, ['update-ref', 'refs/tags/of-a-tag', tag('of-a-tag', git(folder, ['rev-parse', 'v1']), 'tag')])
  git(folder, ['update-ref', 'refs/tags/of-a-tree', tag('of-a-tree', tree, 'tree')])
  git(folder, ['update-ref', 'refs/tags/of-a-blob', object('blob', 'tagged')])
}

/** As fast-import wants paths that are not plain. */
function quoted(path: string): string {
  const escaped = path
    .replace(/["\\]/g, '\\$&')
    .replace(/[^ -~]/g, (c) => `\\${c.charCodeAt(0).toString(8).padStart(3, '0')}`)
  return `"${escaped}"`
}
