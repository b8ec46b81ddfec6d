/** The user's own files: what a command reads, and what a checkout writes. Never those of a store. */

export type HostFileKind = 'file' | 'folder' | 'link' | 'other'

/** Paths are bytes where they come out of a tree, which may hold names that are no text. */
export type HostPath = string | Buffer

export interface HostFiles {
  readonly temporaryFolder: string
  /** `undefined`: nothing is there. Does not follow a link. */
  kind(path: HostPath): Promise<HostFileKind | undefined>
  /** The names in a folder, as bytes. */
  list(folder: HostPath): Promise<Buffer[]>
  realPath(path: string): Promise<string>
  /** One folder, whose parent is there. Fails if anything has the name. */
  makeFolder(path: HostPath): Promise<void>
  /** A new folder of a name that nobody has, below the temporary folder. */
  makeTemporaryFolder(prefix: string): Promise<string>
  /** A new file, never through a link. Fails if anything has the name. */
  create(path: HostPath, content: Uint8Array | AsyncIterable<Uint8Array>, o: NewFile): Promise<void>
  makeLink(path: HostPath, target: Buffer): Promise<void>
  /** A file or a link. */
  remove(path: HostPath): Promise<void>
  /** With all that is in it; links in it are removed, not followed. */
  removeFolder(path: HostPath): Promise<void>
  read(path: string): AsyncIterable<Uint8Array>
  /** Bytes of the file; fails for anything else than a file. */
  size(path: string): Promise<number>
}

export interface NewFile {
  readonly isExecutable: boolean
}
