import {
  GitFailed,
  type IdSize,
  LargeObjectDamaged,
  MalformedTree,
  type ObjectReader,
  TreeObjectReader,
} from '../git/index.ts'
import { type IdMap, idState } from './id-map.ts'

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

/** What git ended over, told by its own words: an object, or a commit that names a parent which is not there. */
export type LostObject =
  | { readonly kind: 'object'; readonly id: string }
  | { readonly kind: 'parent'; readonly id: string; readonly commit: string }

/** `undefined` when the failure is about something else. */
export function lostObject(cause: unknown): LostObject | undefined {
  if (cause instanceof LargeObjectDamaged) return { kind: 'object', id: cause.id }
  if (!(cause instanceof GitFailed)) return undefined
  const ids = cause.said.match(/\b(?:[0-9a-f]{64}|[0-9a-f]{40})\b/g) ?? []
  const commit = /Failed to traverse parents of commit ([0-9a-f]+)/.exec(cause.said)?.[1]
  if (commit !== undefined) return { kind: 'parent', commit, id: ids.find((id) => id !== commit) ?? commit }
  const id = ids.at(-1)
  return id === undefined ? undefined : { kind: 'object', id }
}

interface Step {
  readonly id: string
  readonly path: string
}

/** The first entry of a tree that is missing or holds something missing; `undefined`: the tree itself is at fault. */
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
