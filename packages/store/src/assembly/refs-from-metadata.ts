import { decodeMeta, indexKind, metaTable } from '@varve/pack/objects'
import type { MetaState } from '@varve/pack/pack'
import { decodeRefValue, type RefDoubt, RefStore } from '../refs/index.ts'

/**
 * The refs that the metadata state holds, newest and acknowledged alike: what is in the log at opening is
 * durable.
 */
export function refsFrom(metadata: MetaState, doubt: RefDoubt | undefined): RefStore {
  const refs = new RefStore(doubt)
  for (const entry of metadata.iterate(metaTable.refs)) {
    const { key, value, references } = decodeMeta(entry.body, 0, entry.body.length, entry.referenceCount)
    const [target] = references
    if (target === undefined || target.kind !== indexKind.commit) continue
    const text = key.toString()
    const found = { hash: target.hash, offset: target.offset, ...decodeRefValue(value) }
    refs.load(text, found, entry.offset)
  }
  return refs
}
