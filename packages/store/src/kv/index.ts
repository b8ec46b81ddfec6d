export type { Kv, KvDamage, KvEntry, KvOperation, KvRange } from './kv.ts'
export type { LevelDoor, LevelLoading, LevelOpening } from './level-door.ts'
export {
  acquireStoreLock,
  findWriter,
  ProcessTable,
  type StoreLock,
  type StoreLockOptions,
  type Writer,
} from './lock/index.ts'
export { type OpenKvOptions, openKv, openMemoryKv } from './open-kv.ts'
