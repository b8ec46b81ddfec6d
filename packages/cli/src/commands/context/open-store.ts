import { isAbsolute, resolve } from 'node:path'
import { VarveError } from '@varve/pack/errors'
import type { OpenOptions, ReadOnlyStore, Store, StoreEvent, StoreReader, WriterOptions } from '@varve/store'
import type { Host } from '../../host/index.ts'
import { CommandFailure, shownLines } from '../../terminal/index.ts'
import type { CommandContext } from './command-context.ts'

const FOLDER_DEFAULT = '.varve'

/** The folder of the store: `-s`, then `$VARVE_STORE`, then `./.varve`. */
export function storeFolder({ host, options }: CommandContext): string {
  const { VARVE_STORE } = host.environment
  const named = options.store ?? (VARVE_STORE === '' ? undefined : VARVE_STORE)
  return placeOf(host, named ?? FOLDER_DEFAULT)
}

/**
 * Runs a command that only reads, on the store as it is at this moment, whoever else has it open: nothing of
 * it is written, nothing is locked.
 * @throws NO_STORE
 */
export async function openForReading<T>(
  context: CommandContext,
  work: (store: ReadOnlyStore) => Promise<T>,
): Promise<T> {
  const { Store } = await import('@varve/store')
  const store = await Store.open(storeFolder(context), { readOnly: true, ...openOptions(context) })
  return closedAfter(store, work)
}

/**
 * Runs a command on a store that is there, open for writing.
 * @param o.cacheBytes where the command does better with another cache than the usual one
 * @param o.lower where its lower layer is
 * @throws NO_STORE, STORE_LOCKED
 */
export async function openForWriting<T>(
  context: CommandContext,
  work: (store: Store) => Promise<T>,
  o: Pick<WriterOptions, 'cacheBytes' | 'lower'> = {},
): Promise<T> {
  return withWriter(context, { create: 'never', ...o }, work)
}

/** Runs on a new store. @throws CommandFailure EXISTS when there is one */
export async function createStore<T>(
  context: CommandContext,
  work: (store: Store) => Promise<T>,
  o: Pick<WriterOptions, 'lower'> = {},
): Promise<T> {
  try {
    return await withWriter(context, { create: 'must', ...o }, work)
  } catch (cause) {
    if (!VarveError.is(cause, 'OPTION_MISMATCH') || cause.details.option !== 'create') throw cause
    throw new CommandFailure('EXISTS', cause.message, { cause })
  }
}

async function withWriter<T>(
  context: CommandContext,
  how: Pick<WriterOptions, 'create' | 'cacheBytes' | 'lower'>,
  work: (store: Store) => Promise<T>,
): Promise<T> {
  const { wait } = context.options
  const { Store } = await import('@varve/store')
  const store = await Store.open(storeFolder(context), {
    ...how,
    ...openOptions(context),
    ...(wait !== undefined && { lock: { wait: wait as `${number}s` } }),
  })
  return closedAfter(store, work)
}

function openOptions(context: CommandContext): OpenOptions {
  return { signal: context.signal, onEvent: (event) => tell(context, event) }
}

async function closedAfter<S extends StoreReader, T>(store: S, work: (store: S) => Promise<T>): Promise<T> {
  let result: T
  try {
    result = await work(store)
  } catch (cause) {
    // What went wrong first is what is told; the store closes as well as it can.
    await store.close().catch(() => {})
    throw cause
  }
  await store.close()
  return result
}

/** Repairs at opening are worth a line; the rest is for those who asked for it. */
function tell({ host, options }: CommandContext, event: StoreEvent): void {
  if (options.quiet || options.json) return
  if (event.type === 'recovered') {
    const { batchesCut, bytesCut } = event
    void host.stderr.write(
      `varve: recovered: cut an unfinished end of ${batchesCut} batches, ${bytesCut} bytes\n`,
    )
  } else if (event.type === 'projections-rebuilt') {
    void host.stderr.write(`varve: rebuilt the query database: ${shownLines(event.reason)}\n`)
  } else if (options.verbose && event.type === 'healed') {
    void host.stderr.write(`varve: healed ${event.hash}\n`)
  }
}

/** A file that a user names, from where the user is. */
export function userPath({ host }: CommandContext, path: string): string {
  if (path === '') throw new CommandFailure('USAGE', 'a file needs a name')
  return placeOf(host, path)
}

/** A whole path does not need the folder that the command runs in, which may be gone. */
function placeOf(host: Host, path: string): string {
  return isAbsolute(path) ? resolve(path) : resolve(host.folder, path)
}
