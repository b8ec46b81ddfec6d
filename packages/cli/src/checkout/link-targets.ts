import { VarveError } from '@varve/pack/errors'
import type { Entry, StoreReader } from '@varve/store'
import { CommandFailure, shownName } from '../terminal/index.ts'

/** What Linux takes at most; others take less. */
const TARGET_BYTES_MAX = 4_095
/** At most so many are told. */
const FOUND_MAX = 100

/** Finds symbolic links that no file system can hold. */
export class LinkTargets {
  readonly #store: StoreReader
  readonly #found: { readonly path: string; readonly reason: string }[] = []

  constructor(store: StoreReader) {
    this.#store = store
  }

  /** @throws COLLECTED */
  async add(entry: Entry, path: string): Promise<void> {
    if (entry.kind === 'tree' || entry.mode !== 'symlink' || this.#found.length >= FOUND_MAX) return
    const reason =
      sizeFault(entry.size) ?? ((await this.#hasNul(entry.hash)) ? 'its target has a NUL byte' : '')
    if (reason !== '') this.#found.push({ path, reason })
  }

  /** @throws CommandFailure INVALID_LINK */
  refuse(): void {
    const [first, ...others] = this.#found
    if (first === undefined) return
    const name = shownName(Buffer.from(first.path))
    const more = others.length === 0 ? '' : `, and ${others.length} more`
    const message = `${name} is no link that a file system can hold: ${first.reason}${more}`
    throw new CommandFailure('INVALID_LINK', message, {
      details: { paths: this.#found.map(({ path }) => path) },
      hint: 'varve cat writes its target; other directories can be checked out by their own paths.',
    })
  }

  async #hasNul(hash: Extract<Entry, { kind: 'blob' }>['hash']): Promise<boolean> {
    const blob = await this.#store.openBlob(hash)
    if (blob === undefined) throw new VarveError('COLLECTED', { hash })
    return (await blob.bytes()).includes(0)
  }
}

function sizeFault(size: number): string | undefined {
  if (size === 0) return 'it leads nowhere: its target is empty'
  if (size <= TARGET_BYTES_MAX) return undefined
  return `its target has ${size} bytes, and the most is ${TARGET_BYTES_MAX}`
}
