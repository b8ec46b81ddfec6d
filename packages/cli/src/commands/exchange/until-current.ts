import { VarveError } from '@varve/pack/errors'
import type { ReadOnlyStore } from '@varve/store'

/** So often a writer's collection may take away the files of the state that a copy is begun of. */
const ATTEMPTS_MAX = 8

/** Begins again with the newest state where the one before has gone. */
export async function untilCurrent<T>(store: ReadOnlyStore, work: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await work()
    } catch (error) {
      if (!VarveError.is(error, 'COLLECTED') || attempt === ATTEMPTS_MAX) throw error
      await store.reload()
    }
  }
}
