import type { HostFiles } from '../host/index.ts'
import { CommandFailure, shownName } from '../terminal/index.ts'

/**
 * `refuse`: nothing may be there. `merge`: what has the same path is replaced. `delete`: and the rest goes.
 */
export type ExistingPolicy = 'refuse' | 'merge' | 'delete'

/** Makes room for what a checkout writes, without ever going through a link. */
export class ExistingFiles {
  readonly #files: HostFiles
  readonly #policy: ExistingPolicy

  constructor(files: HostFiles, policy: ExistingPolicy) {
    this.#files = files
    this.#policy = policy
  }

  /** A folder at the path, new or as it was. @throws CommandFailure EXISTS */
  async makeFolder(path: Buffer): Promise<void> {
    if (this.#policy !== 'refuse') {
      const kind = await this.#files.kind(path)
      if (kind === 'folder') return
      // A link to a folder is a link: it makes way.
      if (kind !== undefined) await this.#files.remove(path)
    }
    await this.#files.makeFolder(path)
  }

  /** Nothing at the path. @throws CommandFailure EXISTS when a folder is there that may not be removed */
  async makeWay(path: Buffer, what: 'file' | 'link'): Promise<void> {
    if (this.#policy === 'refuse') return
    const kind = await this.#files.kind(path)
    if (kind === undefined) return
    if (kind !== 'folder') return this.#files.remove(path)
    if (this.#policy === 'delete') return this.#files.removeFolder(path)
    const message = `a folder is where the ${what} ${shownName(path)} should be`
    throw new CommandFailure('EXISTS', message, {
      hint: '--delete removes it.',
      details: { path: path.toString() },
    })
  }

  /** With `delete`, removes from a folder what is not wanted. */
  async removeOthers(folder: Buffer, isWanted: (name: Buffer) => Promise<boolean>): Promise<void> {
    if (this.#policy !== 'delete') return
    for (const name of await this.#files.list(folder)) {
      if (await isWanted(name)) continue
      const path = Buffer.concat([folder, Buffer.from('/'), name])
      if ((await this.#files.kind(path)) === 'folder') await this.#files.removeFolder(path)
      else await this.#files.remove(path)
    }
  }
}
