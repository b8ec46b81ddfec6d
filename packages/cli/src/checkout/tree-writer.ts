import { throwIfAborted, VarveError } from '@varve/pack/errors'
import type { BlobEntry, StoreReader, Tree } from '@varve/store'
import type { HostFiles } from '../host/index.ts'
import { ExistingFiles, type ExistingPolicy } from './existing-files.ts'

/** Content up to here is read in one piece. */
const WHOLE_BYTES_MAX = 1024 * 1024
/** Files being written at a time. */
const WRITING_MAX = 8

export interface TreeWriterOptions {
  readonly store: StoreReader
  readonly files: HostFiles
  /** What to do about what is there already. */
  readonly existing: ExistingPolicy
  readonly signal: AbortSignal
  readonly onWritten: (entry: BlobEntry) => void
}

interface Folder {
  readonly tree: Tree
  readonly path: Buffer
}

interface Link {
  readonly path: Buffer
  readonly target: Buffer
}

/**
 * Writes a tree into a folder that is there. Each folder on the way was made here, or was looked at and is no
 * link; links are made when all else has been written, so nothing can be written through one.
 * Not guarded against another process that changes the folder meanwhile.
 */
export class TreeWriter {
  readonly #o: TreeWriterOptions
  readonly #existing: ExistingFiles
  readonly #writing = new Set<Promise<void>>()
  readonly #links: Link[] = []
  #failure: { readonly cause: unknown } | undefined

  constructor(options: TreeWriterOptions) {
    this.#o = options
    this.#existing = new ExistingFiles(options.files, options.existing)
  }

  async write(tree: Tree, folder: string): Promise<void> {
    const stack: Folder[] = [{ tree, path: Buffer.from(folder) }]
    try {
      for (let next = stack.pop(); next !== undefined; next = stack.pop()) await this.#folder(next, stack)
    } finally {
      await Promise.all(this.#writing)
    }
    this.#throwFailure()
    for (const { path, target } of this.#links) {
      await this.#existing.makeWay(path, 'link')
      await this.#o.files.makeLink(path, target)
    }
  }

  async #folder({ tree, path }: Folder, stack: Folder[]): Promise<void> {
    await this.#existing.removeOthers(path, async (name) => await tree.has([name]))
    for await (const entry of tree.entries()) {
      throwIfAborted(this.#o.signal)
      this.#throwFailure()
      const inner = joined(path, entry.nameBytes)
      if (entry.kind === 'tree') {
        await this.#existing.makeFolder(inner)
        const below = await tree.getTree([entry.nameBytes])
        if (below === undefined) throw new VarveError('COLLECTED', { hash: entry.hash })
        stack.push({ tree: below, path: inner })
      } else await this.#entry(tree, entry, inner)
    }
  }

  async #entry(tree: Tree, entry: BlobEntry, path: Buffer): Promise<void> {
    if (entry.mode === 'submodule') {
      await this.#existing.makeFolder(path)
      this.#o.onWritten(entry)
      return
    }
    if (entry.mode === 'symlink') {
      this.#links.push({ path, target: Buffer.from(this.#content(tree, entry)) })
      this.#o.onWritten(entry)
      return
    }
    const writing = this.#file(tree, entry, path)
      .catch((cause: unknown) => {
        this.#failure ??= { cause }
      })
      .finally(() => this.#writing.delete(writing))
    this.#writing.add(writing)
    if (this.#writing.size >= WRITING_MAX) await Promise.race(this.#writing)
  }

  async #file(tree: Tree, entry: BlobEntry, path: Buffer): Promise<void> {
    await this.#existing.makeWay(path, 'file')
    const isExecutable = entry.mode === 'executable'
    if (entry.size <= WHOLE_BYTES_MAX) {
      await this.#o.files.create(path, this.#content(tree, entry), { isExecutable })
    } else {
      const blob = await this.#o.store.openBlob(entry.hash)
      if (blob === undefined) throw new VarveError('COLLECTED', { hash: entry.hash })
      await this.#o.files.create(path, blob.stream({ signal: this.#o.signal }), { isExecutable })
    }
    this.#o.onWritten(entry)
  }

  #content(tree: Tree, entry: BlobEntry): Uint8Array {
    const content = tree.getSync([entry.nameBytes])
    if (content === undefined) throw new VarveError('COLLECTED', { hash: entry.hash })
    return content
  }

  #throwFailure(): void {
    if (this.#failure !== undefined) throw this.#failure.cause
  }
}

function joined(folder: Buffer, name: Uint8Array): Buffer {
  return Buffer.concat([folder, SLASH, name])
}

const SLASH = Buffer.from('/')
