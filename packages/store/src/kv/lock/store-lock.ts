/** The right to write to a store, held until it is released or its process ends. */
export interface StoreLock {
  /**
   * 'level': the system's lock on LevelDB's file. 'owner-file': without LevelDB. 'memory': within this
   * process.
   */
  readonly kind: 'level' | 'owner-file' | 'memory'
  /** Of 'owner-file': why it is not 'level'. */
  readonly reason: string | undefined
  /** The store's folder without symbolic links. */
  readonly root: string
  /**
   * To be asked before whatever must not happen without the lock.
   * @throws LOCK_LOST when somebody took away what the lock stands on.
   */
  verifyStillHeld(): Promise<void>
  /** Gives the lock back. Releasing again does nothing, or tries again what failed. */
  release(): Promise<void>
}
