import { VarveError } from '@varve/pack/errors'
import type { CommitLike, GcReader, Hash } from '../../api/index.ts'
import { findCommit } from '../../branches/index.ts'
import { asCollectionError, StallMeter } from '../../gc/index.ts'
import type { ReaderRooms } from '../reader-rooms.ts'
import { assertSpaceFor, type SpaceRooms } from '../space-needed.ts'

/** What a store that is only read knows of collections: what control says. */
export class FollowingGc implements GcReader {
  readonly #rooms: ReaderRooms
  readonly #disk: Pick<SpaceRooms, 'fs' | 'clock'>

  constructor(rooms: ReaderRooms, disk: Pick<SpaceRooms, 'fs' | 'clock'>) {
    this.#rooms = rooms
    this.#disk = disk
  }

  behaviour(): 'archive' | 'delete' {
    return this.#rooms.files.control.lower === null ? 'delete' : 'archive'
  }

  latestTarget(): Hash<'commit'> | undefined {
    return this.#rooms.files.control.target?.hash as Hash<'commit'> | undefined
  }

  async isAllowed(target?: CommitLike): Promise<true | VarveError> {
    try {
      this.#rooms.assertOpen()
      const place = target === undefined ? undefined : findCommit(this.#rooms, target)
      const latest = this.#rooms.files.control.target
      if (place !== undefined && latest !== null && place.offset < latest.offset) {
        return new VarveError('TARGET_TOO_OLD', { latest: latest.hash })
      }
      const { objects, refs, files, folder } = this.#rooms
      const { fs, clock } = this.#disk
      await assertSpaceFor({ objects, refs, files, folder, fs, clock }, place, new StallMeter(clock))
      return true
    } catch (error) {
      return asCollectionError(error)
    }
  }
}
