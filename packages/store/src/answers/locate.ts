import { VarveError } from '@varve/pack/errors'
import { hexToRaw, type IndexKind, indexKind } from '@varve/pack/objects'
import { Location, recordSize } from '@varve/pack/pack'
import type { Hash, ObjectPlace } from '../api/index.ts'
import type { ReaderRooms } from '../assembly/index.ts'

/** A hash without its kind is looked for as each of them. */
const kinds: readonly IndexKind[] = [indexKind.blob, indexKind.tree, indexKind.commit]

/**
 * Where an object lies. Damage counts as absence where there is no whole copy.
 * @throws INVALID_HASH, and what the file system throws
 */
export function locate({ files, objects }: ReaderRooms, hash: Hash): ObjectPlace {
  const raw = hexToRaw(hash)
  let isAway = false
  let damage: VarveError | undefined
  for (const kind of kinds) {
    try {
      const offset = objects.find(kind, raw)
      if (offset === 0) continue
      const { space } = files
      const at = new Location()
      if (!space.locate(offset, at) || at.file === undefined) continue
      const { bodyStart, bodyEnd } = objects.record(kind, raw, offset)
      return {
        state: space.isLive(offset) ? 'present' : 'archived',
        ...{ file: at.file.name, offset: at.position, size: recordSize(bodyEnd - bodyStart) },
      }
    } catch (error) {
      if (VarveError.is(error, 'LOWER_UNAVAILABLE')) isAway = true
      else if (VarveError.is(error, 'CORRUPT')) damage = error
      else throw error
    }
  }
  if (damage !== undefined) throw damage
  return { state: isAway ? 'unavailable' : 'unknown' }
}
