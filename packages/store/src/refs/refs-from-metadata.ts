import { decodeMeta, indexKind, metaTable } from '@varve/pack/objects'
import type { MetaEntry, MetaState } from '@varve/pack/pack'
import { decodeRefValue } from './ref-record.ts'
import { type RefDoubt, RefStore, type RefTarget } from './ref-store.ts'

/**
 * The refs that the metadata state holds, newest and acknowledged alike: what is in the log at opening is
 * durable.
 */
export function refsFrom(metadata: MetaState, doubt: RefDoubt | undefined): RefStore {
  const refs = new RefStore(doubt)
  for (const entry of metadata.iterate(metaTable.refs)) {
    const { key, target } = refOf(entry)
    if (target !== undefined) refs.load(key, target, entry.offset)
  }
  return refs
}

/** The ref that an entry of the table of refs speaks of; without a target it is gone. */
export function refOf(entry: MetaEntry): { readonly key: string; readonly target: RefTarget | undefined } {
  const { key, value, references } = decodeMeta(entry.body, 0, entry.body.length, entry.referenceCount)
  const [target] = references
  if (entry.isDeleted || target === undefined || target.kind !== indexKind.commit) {
    return { key: key.toString(), target: undefined }
  }
  const found = { hash: target.hash, offset: target.offset, ...decodeRefValue(value) }
  return { key: key.toString(), target: found }
}
