import { type Clock, systemClock } from '@varve/pack/base'
import type { FileSystem } from '@varve/pack/fs'
import { MemoryFileSystem } from '@varve/pack/testing'
import type { StoreEvent, WriterOptions } from '../../api/index.ts'
import { appendCommit, BranchHandle, checkedInfo, storeTree } from '../../branches/index.ts'
import { emptyTree } from '../../directory/index.ts'
import { GIT_ID_KEY } from '../../projections/index.ts'
import type { StoredCommit } from '../../reader/index.ts'
import { closeRooms, openRooms, type StoreRooms, storeOptions } from '../index.ts'

/** Where stores in memory lie: the folder above it is there before, and durable. */
export const roomsFolder = '/disk/store'

/** A disk without a store. */
export async function emptyDisk(): Promise<MemoryFileSystem> {
  const disk = new MemoryFileSystem()
  await disk.mkdir('/disk')
  await disk.syncFolder('/')
  return disk
}

export interface MemoryRoomsOptions {
  readonly disk: MemoryFileSystem
  /** What lies between the store and the disk. Default: nothing. */
  readonly through?: FileSystem
  readonly clock?: Clock
  readonly options?: WriterOptions
}

/** The rooms of a store in memory, joined as in every store; everything runs on this thread. */
export class MemoryRooms {
  readonly rooms: StoreRooms
  readonly events: StoreEvent[]

  private constructor(rooms: StoreRooms, events: StoreEvent[]) {
    this.rooms = rooms
    this.events = events
  }

  static async open(o: MemoryRoomsOptions): Promise<MemoryRooms> {
    const { disk, through = disk, clock = systemClock, options = {} } = o
    const events: StoreEvent[] = []
    const checked = storeOptions(
      roomsFolder,
      { ...options, onEvent: (event) => void events.push(event) },
      { fileSystem: through, memoryKey: disk, collectorWhere: 'inline', clock },
    )
    return new MemoryRooms(await openRooms(checked), events)
  }

  /** A commit of the empty tree that no ref holds: what sets it apart is its message. */
  commit(
    message: string,
    o: { parents?: readonly StoredCommit[]; gitId?: string } = {},
  ): Promise<StoredCommit> {
    const { rooms } = this
    const extra = o.gitId === undefined ? {} : { [GIT_ID_KEY]: o.gitId }
    const info = checkedInfo({ message, extra, date: 0 })
    const parents = (o.parents ?? []).map(({ hash }) => hash)
    return storeTree(rooms, emptyTree(rooms.storage), {
      signal: undefined,
      finish: (tree) => appendCommit(rooms, { tree, parents, info, isBare: false }),
    })
  }

  branch(name: string): BranchHandle {
    return new BranchHandle(this.rooms, this.rooms.queues, name)
  }

  /** Of the events of one type, in order. */
  told<T extends StoreEvent['type']>(type: T): Extract<StoreEvent, { readonly type: T }>[] {
    return this.events.filter(
      (event): event is Extract<StoreEvent, { readonly type: T }> => event.type === type,
    )
  }

  close(): Promise<void> {
    return closeRooms(this.rooms)
  }
}
