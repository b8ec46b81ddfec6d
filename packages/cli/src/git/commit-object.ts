/**
 * Git's commit objects, and how a Varve commit holds one so that its bytes can be had again.
 *
 * `author`, `date`, and `message` of our commit are those of Git's; what has no field goes into `extra`, as
 * text. A commit whose bytes do not come back from those fields (text that is no UTF-8, a header out of
 * order, a date that Git would not write) also keeps its whole object in `git:raw`. Importing proves it: the
 * bytes are built again from the fields and compared.
 */
import { assert } from '@varve/pack/base'
import { decodeText, isUtf8 } from './text.ts'

/** The keys of `extra` that an import makes. */
export const gitExtra = {
  /** The id of the commit in Git, hex. */
  id: 'git:id',
  /** The ids of its parents, a space between: a parent may be missing in the store. */
  parents: 'git:parents',
  /** The author's offset from UTC as Git writes it: '+0200'. */
  authorZone: 'git:author-zone',
  /** Name, mail address, seconds since 1970, and zone of the committer, as Git writes them. */
  committer: 'git:committer',
  /**
   * All header lines after the committer's (encoding, signature, merged tags, and any other), as they are.
   */
  headers: 'git:headers',
  /** Binds the id to the tree that it was imported with: `extra` is easily copied to other commits. */
  proof: 'git:proof',
  /** Git's tree id, hex; only when it cannot be computed from the tree in the store. */
  tree: 'git:tree',
  /** The whole commit object in base64; only when the other fields cannot give its bytes. */
  raw: 'git:raw',
} as const

/** What our commit says of Git's. */
export interface CommitFields {
  readonly author: string
  /** Milliseconds since 1970. */
  readonly dateMs: number
  readonly message: string
  readonly extra: Readonly<Record<string, string>>
}

export interface GitCommit {
  readonly id: string
  /** Hex. */
  readonly tree: string
  readonly parents: readonly string[]
  readonly fields: CommitFields
}

/** A date that our commits can hold; others are kept in `git:raw` only. */
const SECONDS_MAX = 8_640_000_000_000
const SIGNATURE = /^(.*) (\d{1,13}) ([+-]\d{4})$/s

/** Reads a commit object. */
export function parseCommit(id: string, content: Buffer): GitCommit {
  const split = splitCommit(content)
  const tree = split.headers[0]?.startsWith('tree ') === true ? split.headers[0].slice(5) : ''
  const parents = split.headers.filter((line) => line.startsWith('parent ')).map((line) => line.slice(7))
  const plain = plainFields(id, content, split)
  if (plain !== undefined && rebuildCommit({ ...plain, tree }).equals(content)) {
    return { id, tree, parents, fields: plain }
  }
  return { id, tree, parents, fields: rawFields(id, content, parents) }
}

/**
 * The bytes of the commit object that these fields came from.
 * @param fields.tree the tree's id in Git, hex
 */
export function rebuildCommit(fields: CommitFields & { readonly tree: string }): Buffer {
  const { extra, tree } = fields
  const raw = extra[gitExtra.raw]
  if (raw !== undefined) return withTree(Buffer.from(raw, 'base64'), tree)
  const parents = extra[gitExtra.parents]?.split(' ') ?? []
  const seconds = fields.dateMs / 1000
  return Buffer.from(
    `tree ${tree}\n${parents.map((parent) => `parent ${parent}\n`).join('')}` +
      `author ${fields.author} ${seconds} ${extra[gitExtra.authorZone] ?? ''}\n` +
      `committer ${extra[gitExtra.committer] ?? ''}\n${extra[gitExtra.headers] ?? ''}\n${fields.message}`,
  )
}

interface SplitCommit {
  /** Header lines as Latin-1 text; a line that goes on the one before begins with a space. */
  readonly headers: readonly string[]
  /** Where the message begins; the size of the content when there is none. */
  readonly messageAt: number
}

function splitCommit(content: Buffer): SplitCommit {
  const blank = content[0] === 10 ? 0 : content.indexOf('\n\n')
  const headerEnd = blank < 0 ? content.length : blank
  const headers = content.toString('latin1', 0, headerEnd).split('\n')
  return { headers, messageAt: blank < 0 ? content.length : blank + 2 }
}

/**
 * The fields of a commit that is text through and through, in Git's own order of headers; else `undefined`.
 */
function plainFields(id: string, content: Buffer, split: SplitCommit): CommitFields | undefined {
  if (!isUtf8(content) || hasOtherEncoding(split.headers)) return undefined
  const text = content.toString('utf8', 0, Math.max(split.messageAt - 2, 0)).split('\n')
  const parents: string[] = []
  let at = 1
  for (; text[at]?.startsWith('parent ') === true; at++) parents.push(text[at]!.slice(7))
  const author = signatureOf(text[at], 'author ')
  const committer = text[at + 1]
  if (author === undefined || committer?.startsWith('committer ') !== true) return undefined
  const headers = text.slice(at + 2)
  return {
    author: author.who,
    dateMs: author.seconds * 1000,
    message: content.toString('utf8', split.messageAt),
    extra: {
      [gitExtra.id]: id,
      ...(parents.length > 0 && { [gitExtra.parents]: parents.join(' ') }),
      [gitExtra.authorZone]: author.zone,
      [gitExtra.committer]: committer.slice(10),
      ...(headers.length > 0 && { [gitExtra.headers]: `${headers.join('\n')}\n` }),
    },
  }
}

/** Bytes in another encoding may look like UTF-8 and read as nonsense. */
function hasOtherEncoding(headers: readonly string[]): boolean {
  return headers.some((line) => line.startsWith('encoding ') && !/^utf-?8$/i.test(line.slice(9)))
}

/** What can be told of any commit, with its bytes beside. */
function rawFields(id: string, content: Buffer, parents: readonly string[]): CommitFields {
  const split = splitCommit(content)
  const encoding = split.headers.find((line) => line.startsWith('encoding '))?.slice(9)
  const line = split.headers.find((header) => header.startsWith('author '))
  const author = signatureOf(line, 'author ')
  const who = Buffer.from(author?.who ?? line?.slice(7) ?? '', 'latin1')
  return {
    author: decodeText(who, encoding),
    dateMs: (author?.seconds ?? 0) * 1000,
    message: decodeText(content.subarray(split.messageAt), encoding),
    extra: {
      [gitExtra.id]: id,
      ...(parents.length > 0 && { [gitExtra.parents]: parents.join(' ') }),
      [gitExtra.raw]: content.toString('base64'),
    },
  }
}

function signatureOf(
  line: string | undefined,
  key: string,
): { who: string; seconds: number; zone: string } | undefined {
  if (line?.startsWith(key) !== true) return undefined
  const match = SIGNATURE.exec(line.slice(key.length))
  if (match === null) return undefined
  const seconds = Number(match[2])
  if (seconds > SECONDS_MAX) return undefined
  return { who: match[1] ?? '', seconds, zone: match[3] ?? '' }
}

/** The same object with this tree: the tree's line is always the first. */
function withTree(content: Buffer, tree: string): Buffer {
  const lineEnd = content.indexOf(10)
  assert(content.toString('latin1', 0, 5) === 'tree ' && lineEnd > 0, 'a commit object begins with its tree')
  return Buffer.concat([Buffer.from(`tree ${tree}`), content.subarray(lineEnd)])
}
