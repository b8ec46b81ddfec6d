import type { Clock } from '@varve/pack/base'
import { VarveError } from '@varve/pack/errors'
import type { FileSystem } from '@varve/pack/fs'
import type { NodeRef } from '@varve/pack/objects'
import type { RefRooms } from '../branches/index.ts'
import type { FilesView } from '../file-set/index.ts'
import type { CommitPlace, StallMeter } from '../gc/index.ts'
import { boundaryFor, leastKept } from '../maintenance/index.ts'

export interface SpaceRooms extends Pick<RefRooms, 'objects' | 'refs'> {
  readonly files: FilesView
  readonly fs: FileSystem
  readonly folder: string
  readonly clock: Clock
}

/**
 * Refuses a collection only when it certainly has no room: where all that the files hold would fit, nothing
 * is looked at, and otherwise what the target and the refs keep is counted until it is too much.
 * @throws NO_SPACE
 */
export async function assertSpaceFor(
  rooms: SpaceRooms,
  target: CommitPlace | undefined,
  stalls: StallMeter,
): Promise<void> {
  const { files, objects, clock } = rooms
  const free = await rooms.fs.freeBytes(rooms.folder)
  const { end, chunks, segments } = files.space
  const limit = boundaryFor(target, files, end)
  let present = 0
  for (const chunk of chunks) if (chunk.base < limit) present += chunk.length
  for (const segment of segments) present += segment.file.end
  if (present <= free) return
  const walk = leastKept(treesOf(rooms, target), { objects, limit, enough: free })
  for (;;) {
    const step = stalls.section(() => walk.next())
    if (step.done !== true) await clock.turn()
    else if (step.value > free) throw new VarveError('NO_SPACE', { needed: step.value, free })
    else return
  }
}

function* treesOf(
  { objects, refs }: SpaceRooms,
  target: CommitPlace | undefined,
): Generator<NodeRef, void, undefined> {
  if (target !== undefined) yield objects.commitAt(target).tree
  for (const { target: commit } of [...refs.listed()]) yield objects.commitAt(commit).tree
}
