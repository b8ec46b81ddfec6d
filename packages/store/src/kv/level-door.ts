import type { Level } from 'level'

export type LevelDatabase = Level<string, string>

export interface LevelOptions {
  /** Of blocks read from tables. */
  readonly cacheBytes: number
  /** Of writes kept in memory before a table is made of them. */
  readonly writeBufferBytes: number
}

/**
 * 'locked': another opening has it, in this process or in another one. 'failed': anything else, damage above
 * all.
 */
export type LevelOpening =
  | { readonly kind: 'opened'; readonly database: LevelDatabase }
  | { readonly kind: 'locked' | 'failed'; readonly reason: string; readonly cause: unknown }

export type LevelLoading =
  | {
      readonly kind: 'loaded'
      /** Opens the database in a folder, making it when it is not there. */
      open(path: string, options: LevelOptions): Promise<LevelOpening>
    }
  | { readonly kind: 'unavailable'; readonly reason: string }

/** Loads LevelDB; touches no database. */
export type LevelDoor = () => Promise<LevelLoading>

/**
 * The only door to LevelDB. Its native binding is loaded here, on demand, so that the library itself loads
 * where the binding does not.
 */
export const loadLevel: LevelDoor = async () => {
  try {
    const module = await import('level')
    return { kind: 'loaded', open: (path, options) => openLevel(module, path, options) }
  } catch (error) {
    return { kind: 'unavailable', reason: `LevelDB does not load here: ${messageOf(error)}` }
  }
}

async function openLevel(
  module: typeof import('level'),
  path: string,
  { cacheBytes, writeBufferBytes }: LevelOptions,
): Promise<LevelOpening> {
  try {
    const database: LevelDatabase = new module.Level(path, {
      keyEncoding: 'utf8',
      valueEncoding: 'utf8',
      cacheSize: cacheBytes,
      writeBufferSize: writeBufferBytes,
    })
    await database.open()
    return { kind: 'opened', database }
  } catch (cause) {
    const detail = cause instanceof Error && cause.cause !== undefined ? cause.cause : cause
    const isLocked = detail instanceof Error && (detail as NodeJS.ErrnoException).code === 'LEVEL_LOCKED'
    const reason = `LevelDB does not open: ${messageOf(detail)}`
    return { kind: isLocked ? 'locked' : 'failed', reason, cause }
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
