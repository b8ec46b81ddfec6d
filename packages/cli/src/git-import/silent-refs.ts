import { join } from 'node:path'
import { decodeText, isUtf8 } from '../git/index.ts'
import type { HostFiles } from '../host/index.ts'
import type { SkippedRef } from './ref-plan.ts'

/** Of a file that should hold an id or a name this much is read. */
const REF_BYTES_MAX = 4_096

/**
 * Branches and tags that Git passes over without a word: symbolic ones that lead nowhere, and broken ones.
 * Only the files of the repository tell of them.
 * @param o.folder where loose refs lie, `refs`
 * @param o.listed the names of those that Git does list
 */
export async function silentRefs(
  files: HostFiles,
  o: { readonly folder: string; readonly listed: ReadonlySet<string> },
): Promise<SkippedRef[]> {
  const found: SkippedRef[] = []
  for (const kind of ['heads', 'tags']) {
    const folder = join(o.folder, kind)
    // Refs may be kept in another way than as files.
    if ((await files.kind(folder)) !== 'folder') continue
    for await (const inner of filesBelow(files, Buffer.from(folder))) {
      const name = isUtf8(inner) ? inner.toString('utf8') : decodeText(inner)
      const gitName = `refs/${kind}/${name}`
      if (o.listed.has(gitName)) continue
      found.push({ gitName, reason: await reasonOf(files, join(folder, name)) })
    }
  }
  return found
}

/** Paths from the folder on, in byte order. Git takes no ref for one that begins with '.' or is a lock. */
async function* filesBelow(files: HostFiles, folder: Buffer): AsyncGenerator<Buffer, void, undefined> {
  const stack = [Buffer.alloc(0)]
  for (let inner = stack.pop(); inner !== undefined; inner = stack.pop()) {
    const path = Buffer.concat([folder, SLASH, inner])
    const kind = await files.kind(path)
    if (kind === 'folder') {
      const names = (await files.list(path)).filter((name) => name[0] !== DOT).sort(Buffer.compare)
      const prefix = inner.length === 0 ? inner : Buffer.concat([inner, SLASH])
      for (const name of names.reverse()) stack.push(Buffer.concat([prefix, name]))
    } else if (kind !== undefined && !inner.toString('latin1').endsWith('.lock')) yield inner
  }
}

async function reasonOf(files: HostFiles, path: string): Promise<string> {
  const unreadable = 'Git cannot read it'
  if ((await files.kind(path)) !== 'file') return unreadable
  const parts: Uint8Array[] = []
  let size = 0
  for await (const part of files.read(path)) {
    parts.push(part)
    size += part.length
    if (size > REF_BYTES_MAX) return unreadable
  }
  const target = /^ref:\s*(\S+)\s*$/.exec(Buffer.concat(parts).toString('utf8'))?.[1]
  return target === undefined ? unreadable : `it leads to ${target}, which is not there`
}

const SLASH = Buffer.from('/')
const DOT = 46
