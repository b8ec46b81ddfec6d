export type { Kv, KvDamage, KvEntry, KvOperation, KvRange } from './kv.ts'
export type { LevelDoor, LevelLoading, LevelOpening } from './level-door.ts'
export {
  acquireStoreLock,
  ProcessTable,
  type RunningOwner,
  runningOwners,
  type StoreLock,
  type StoreLockOptions,
} from './lock/index.ts'
export { type OpenKvOptions, openKv, openMemoryKv } from './open-kv.ts'
