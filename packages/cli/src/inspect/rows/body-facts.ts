import type { Finding } from '../finding.ts'
import type { Facts } from './finding-row.ts'

/** So many names of a directory are shown. */
const NAMES_MAX = 8

type Plain = Readonly<Record<string, unknown>>

/** What the body of a record says, in short. The rest is in the JSON. */
export function bodyFacts(record: Finding | Plain): Facts {
  const { kind, flags, padding, body } = record
  const odd = {
    flags: Array.isArray(flags) ? flags.join(',') : undefined,
    padding: padding === undefined ? undefined : 'not zero',
    body: body === undefined ? undefined : 'not what a writer writes',
  }
  if (body !== undefined) return odd
  switch (kind) {
    case 'node':
      return { ...nodeFacts(record), ...odd }
    case 'commit':
      return { ...commitFacts(record), ...odd }
    case 'list':
    case 'bigBlob':
      return { ...listFacts(record), ...odd }
    case 'meta':
      return { ...changeFacts(record), ...odd }
    case 'touch':
      return { ...referenceFacts(record['object'] as Plain), ...odd }
    default:
      return odd
  }
}

function nodeFacts({ form, entries, children, at }: Plain): Facts {
  if (form === 'inner') return { form: 'inner', children: (children as unknown[]).length, at: at as number }
  const list = entries as readonly Plain[]
  const names = list.slice(0, NAMES_MAX).map(({ name }) => String(name))
  if (list.length > NAMES_MAX) names.push('\u2026')
  return { form: 'leaf', entries: list.length, names: list.length === 0 ? undefined : names.join(', ') }
}

function commitFacts({ tree, parents, author, date, message }: Plain): Facts {
  const root = tree as { readonly hash: string; readonly offset: number }
  return {
    tree: `${root.hash}@${root.offset}`,
    parents: (parents as readonly string[]).join(', ') || undefined,
    author: author as string,
    date: date as string,
    message: message as string,
  }
}

function listFacts({ level, entries }: Plain): Facts {
  const list = entries as readonly { readonly length: number }[]
  const length = list.reduce((sum, entry) => sum + entry.length, 0)
  return { level: level as number, entries: list.length, length }
}

function changeFacts({ table, deleted, key, value, references }: Plain): Facts {
  const list = references as readonly Plain[]
  const first = list[0] === undefined ? {} : referenceFacts(list[0])
  return {
    table: table as string,
    key: key as string,
    deleted: deleted === true ? 'true' : undefined,
    value: value === '' ? undefined : (value as string),
    ...first,
    references: list.length > 1 ? list.length : undefined,
  }
}

function referenceFacts({ kind, hash, offset }: Plain): Facts {
  return { [kind as string]: `${hash as string}@${offset as number}` }
}
