/** Which refs of a repository become which refs of the store. */
import { VarveError } from '@varve/pack/errors'
import {
  decodeText,
  type GitRef,
  type GitRepository,
  type GitTag,
  isUtf8,
  type ObjectReader,
  parseTag,
} from '../git/index.ts'

/** Tags of tags are followed this far. */
const TAG_DEPTH_MAX = 32

export interface PlannedRef {
  /** 'heads/main', 'tags/v1'. */
  readonly name: string
  readonly gitName: string
  /** The commit's Git id, hex. */
  readonly commit: string
  /** The outermost annotated tag, if it is one. */
  readonly tag: GitTag | undefined
}

export interface SkippedRef {
  readonly gitName: string
  readonly reason: string
}

export interface RefPlan {
  readonly refs: readonly PlannedRef[]
  readonly skipped: readonly SkippedRef[]
}

/**
 * @param others names, prefixes, or patterns of refs beside branches and tags. @throws REF_NOT_FOUND,
 * GitFailed
 */
export async function planRefs(
  repository: GitRepository,
  reader: ObjectReader,
  others: readonly string[],
): Promise<RefPlan> {
  const found = await repository.refs(['refs/heads', 'refs/tags'])
  for (const other of others) found.push(...(await otherRefs(repository, other)))
  const refs = new Map<string, PlannedRef>()
  const skipped: SkippedRef[] = []
  for (const ref of found) {
    const gitName = refText(ref.nameBytes)
    const name = storeName(gitName)
    const earlier = refs.get(name)
    if (earlier !== undefined) {
      if (earlier.gitName !== gitName)
        skipped.push({ gitName, reason: `${earlier.gitName} has the name ${name}` })
      continue
    }
    const target = await peel(reader, ref.id)
    if ('commit' in target) refs.set(name, { name, gitName, ...target })
    else skipped.push({ gitName, reason: target.reason })
  }
  return { refs: [...refs.values()], skipped }
}

/**
 * 'refs/heads/main' → 'heads/main', 'refs/tags/v1' → 'tags/v1', 'refs/notes/x' → 'heads/notes/x', 'HEAD' →
 * 'heads/HEAD'.
 */
export function storeName(gitName: string): string {
  const name = gitName.startsWith('refs/') ? gitName.slice(5) : gitName
  return name.startsWith('heads/') || name.startsWith('tags/') ? name : `heads/${name}`
}

async function otherRefs(repository: GitRepository, name: string): Promise<GitRef[]> {
  const listed = name.startsWith('refs/') ? await repository.refs([name]) : []
  if (listed.length > 0) return listed
  const single = await repository.ref(name)
  if (single === undefined) {
    throw new VarveError('REF_NOT_FOUND', { ref: name }, { message: `the repository has no ref ${name}` })
  }
  return [single]
}

/** Old branches may be named in Latin-1. */
function refText(name: Buffer): string {
  return isUtf8(name) ? name.toString('utf8') : decodeText(name)
}

/** The commit that a ref stands for, through annotated tags; or why there is none. */
async function peel(
  reader: ObjectReader,
  id: string,
): Promise<{ commit: string; tag: GitTag | undefined } | { reason: string }> {
  let outermost: GitTag | undefined
  for (let depth = 0; depth < TAG_DEPTH_MAX; depth++) {
    const found = await typeAndTag(reader, id)
    // A missing tip is found missing, and told as such, where its history is read.
    if (found.type === 'commit' || found.type === 'missing') return { commit: id, tag: outermost }
    if (found.tag === undefined)
      return { reason: `it is a ${outermost === undefined ? '' : 'tag of a '}${found.type}` }
    outermost ??= found.tag
    id = found.tag.object
  }
  return { reason: `tags of tags, more than ${TAG_DEPTH_MAX}` }
}

async function typeAndTag(
  reader: ObjectReader,
  id: string,
): Promise<{ type: 'commit' | 'tree' | 'blob' | 'tag' | 'missing'; tag: GitTag | undefined }> {
  let type: 'commit' | 'tree' | 'blob' | 'tag' | 'missing' = 'missing'
  let tag: GitTag | undefined
  await reader.read([id], async (object) => {
    if (object.kind === 'large') {
      type = 'blob'
      for await (const _ of object.content);
    } else if (object.kind === 'object') {
      type = object.type
      if (object.type === 'tag') tag = parseTag(object.content)
    }
  })
  return { type, tag }
}
