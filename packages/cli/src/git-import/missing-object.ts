import {
  GitFailed,
  type IdSize,
  LargeObjectDamaged,
  MalformedTree,
  type ObjectReader,
  parseCommit,
  TreeObjectReader,
} from '../git/index.ts'
import { type IdMap, idState } from './conversion/id-map.ts'

/** An object that Git cannot supply, and the first commit that needs it. Ids are hex. */
export interface MissingObject {
  readonly commit: string
  /** Text; empty for the commit or its root tree itself. */
  readonly path: string
  readonly id: string
}

/** Where in the tree of a commit that could not be converted the first missing object is. */
export async function findMissing(
  commit: { readonly id: string; readonly tree: string },
  o: { readonly ids: IdMap; readonly reader: ObjectReader; readonly idSize: IdSize },
): Promise<MissingObject> {
  let here: Step = { id: commit.tree, path: '' }
  for (;;) {
    const next: Step | undefined = await firstBelow(here, o)
    if (next === undefined) return { commit: commit.id, path: here.path, id: here.id }
    here = next
  }
}

/**
 * The object that git ended over, told by its own words; `undefined` when the failure is about something
 * else.
 */
export function lostObject(cause: unknown): string | undefined {
  if (cause instanceof LargeObjectDamaged) return cause.id
  if (!(cause instanceof GitFailed)) return undefined
  return /\b(?:[0-9a-f]{64}|[0-9a-f]{40})\b/.exec(cause.said)?.[0]
}

/** Whether git ended over a tree that is not as it must be: it does not say which. */
export function isAboutTree(cause: unknown): boolean {
  return cause instanceof GitFailed && /\b(?:in tree entry|too-short tree (?:file|object))\b/.test(cause.said)
}

/** Commits that name a parent which is not there. */
export async function commitsWithoutParent(
  tips: readonly string[],
  o: {
    readonly reader: ObjectReader
    /** Not to be asked for: git ends over them. */
    readonly lost: ReadonlySet<string>
    /** Whose parents are not looked for. */
    readonly cut: ReadonlySet<string>
  },
): Promise<MissingObject[]> {
  const children = new Map<string, string[]>()
  const seen = new Set(tips)
  const missing = new Set<string>(o.lost)
  let level = tips.filter((id) => !o.lost.has(id))
  while (level.length > 0) {
    const next: string[] = []
    await o.reader.read(level, (object) => {
      if (object.kind !== 'object' || object.type !== 'commit') {
        missing.add(object.id)
        return
      }
      if (o.cut.has(object.id)) return
      for (const parent of parseCommit(object.id, object.content).parents) {
        children.set(parent, [...(children.get(parent) ?? []), object.id])
        if (seen.has(parent)) continue
        seen.add(parent)
        if (!o.lost.has(parent)) next.push(parent)
      }
    })
    level = next
  }
  return [...missing].flatMap((id) => (children.get(id) ?? []).map((commit) => ({ commit, path: '', id })))
}

interface Step {
  readonly id: string
  readonly path: string
}

/**
 * The first entry of a tree that is missing or holds something missing; `undefined`: the tree itself is at
 * fault.
 */
async function firstBelow(
  here: Step,
  o: { readonly ids: IdMap; readonly reader: ObjectReader; readonly idSize: IdSize },
): Promise<Step | undefined> {
  if (o.ids.state(o.ids.findHex(here.id)) !== idState.broken) return undefined
  let found: Step | undefined
  await o.reader.read([here.id], (object) => {
    if (object.kind !== 'object') return
    const reader = new TreeObjectReader(object.content, { start: 0, end: object.content.length }, o.idSize)
    try {
      while (found === undefined && reader.next()) {
        if (reader.kind === 'submodule') continue
        const wanted = reader.kind === 'directory' ? idState.tree : idState.blob
        if (o.ids.state(o.ids.find(reader.bytes, reader.idAt)) === wanted) continue
        found = {
          id: reader.id,
          path: `${here.path}${here.path === '' ? '' : '/'}${reader.name.toString('utf8')}`,
        }
      }
    } catch (cause) {
      if (!(cause instanceof MalformedTree)) throw cause
    }
  })
  return found
}
