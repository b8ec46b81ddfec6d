/** How entries and commits read, as JSON and as text. */
import type { Change, Commit, Entry } from '@varve/store'
import { type JsonRecord, shownName } from '../../terminal/index.ts'

/** Facts of an entry; names that are no UTF-8 also as bytes. */
export function entryJson(entry: Entry): JsonRecord {
  const common = {
    kind: entry.kind,
    name: entry.name,
    ...oddBytes('nameBytes', entry.nameBytes),
    hash: entry.hash,
  }
  return entry.kind === 'blob'
    ? { ...common, size: entry.size, mode: entry.mode }
    : { ...common, count: entry.count, bytes: entry.bytes }
}

export function commitJson(commit: Commit): JsonRecord {
  return {
    hash: commit.hash,
    tree: commit.treeHash,
    parents: commit.parents,
    author: commit.author,
    date: commit.date.toISOString(),
    message: commit.message,
    extra: commit.extra,
  }
}

export function changeJson(change: Change): JsonRecord {
  const bytes = changePath(change)
  return {
    type: 'change',
    change: change.type,
    path: bytes.toString('utf8'),
    ...oddBytes('pathBytes', bytes),
    ...('before' in change && { before: entryJson(change.before) }),
    ...('after' in change && { after: entryJson(change.after) }),
  }
}

/** The path with the exact bytes of its last name. */
export function changePath(change: Change): Buffer {
  const entry = change.type === 'removed' ? change.before : change.after
  const above = change.path.slice(0, -1).map((name) => `${name}/`)
  return Buffer.concat([Buffer.from(above.join('')), entry.nameBytes])
}

/** One letter for what happened. */
export function changeLetter(change: Change): 'A' | 'D' | 'M' | 'T' {
  if (change.type === 'added') return 'A'
  if (change.type === 'removed') return 'D'
  const { before, after } = change
  if (before.kind !== after.kind) return 'T'
  const isLink = (entry: Entry): boolean => entry.kind === 'blob' && /^s/.test(entry.mode)
  return isLink(before) === isLink(after) ? 'M' : 'T'
}

/** The path of an entry for a line of text; a directory with a slash at its end. */
export function shownPath(path: Uint8Array, isDirectory: boolean): string {
  const bytes = isDirectory ? Buffer.concat([path, Buffer.from('/')]) : path
  return shownName(bytes)
}

/** As base64, where text cannot tell it. */
export function oddBytes(key: string, bytes: Uint8Array): JsonRecord {
  const buffer = Buffer.from(bytes)
  return Buffer.from(buffer.toString('utf8')).equals(buffer) ? {} : { [key]: buffer.toString('base64') }
}

export const modeLetters: Readonly<Record<string, string>> = {
  file: '-',
  executable: 'x',
  symlink: 'l',
  submodule: 's',
  tree: 'd',
}
