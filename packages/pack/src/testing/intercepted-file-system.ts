import { assert } from '../base/index.ts'
import type { FileHandle, FileStat, FileSystem, OpenMode } from '../fs/index.ts'

/** The operations of the seam, one name for the awaited and the synchronous form. */
export type OperationKind =
  | 'open'
  | 'create'
  | 'readFile'
  | 'mkdir'
  | 'list'
  | 'rename'
  | 'link'
  | 'remove'
  | 'removeFolder'
  | 'stat'
  | 'realPath'
  | 'syncFolder'
  | 'freeBytes'
  | 'read'
  | 'write'
  | 'datasync'
  | 'sync'
  | 'truncate'
  | 'size'
  | 'close'

/** Those that can be forgotten without anybody seeing it at once. */
export const operationsWithoutResult: ReadonlySet<OperationKind> = new Set<OperationKind>([
  'mkdir',
  'rename',
  'link',
  'remove',
  'removeFolder',
  'syncFolder',
  'datasync',
  'sync',
  'truncate',
  'close',
])

export interface Operation {
  readonly kind: OperationKind
  /** Of an operation on a handle, the path under which it was opened. */
  readonly path: string
  /** Of 'rename' and 'link'. */
  readonly to?: string
  /** Of 'open': 'read' or 'write'. */
  readonly mode?: OpenMode
  /** Of 'read' and 'write'. */
  readonly position?: number
  /** Of 'read' and 'write' in bytes; of 'truncate' the new size. */
  readonly length?: number
}

/** What to do in the operation's place; `undefined` from an interceptor: just do it. */
export type Verdict =
  | { readonly kind: 'fail'; readonly error: Error }
  /** Do it and then say that it failed: nobody who hears the error can know. */
  | { readonly kind: 'fail-late'; readonly error: Error }
  /** Only 'write': give this many bytes on, at least one. */
  | { readonly kind: 'short'; readonly length: number }
  /** Only of what gives no result: say that it was done. */
  | { readonly kind: 'lie' }

export interface Interceptor {
  /** Called before each operation, at the moment when it would be carried out. */
  before(operation: Operation): Verdict | undefined
  /** Called after each, with the error if it failed. */
  after?(operation: Operation, error: unknown): void
  /** Awaited before each asynchronous operation, so that a test decides in which order they happen. */
  delay?(operation: Operation): Promise<void>
}

/** Passes every operation on to another file system and lets somebody watch, fail, shorten, or forget it. */
export class InterceptedFileSystem implements FileSystem {
  /** What watches lives in this thread, so it cannot be built again in another. */
  readonly origin: undefined = undefined
  readonly #inner: FileSystem
  readonly #gate: Gate

  constructor(inner: FileSystem, interceptor: Interceptor) {
    this.#inner = inner
    this.#gate = new Gate(interceptor)
  }

  async open(path: string, mode: OpenMode): Promise<FileHandle> {
    const operation: Operation = mode === 'create' ? { kind: 'create', path } : { kind: 'open', path, mode }
    let opened: FileHandle | undefined
    try {
      const handle = await this.#gate.run(operation, async () => {
        opened = await this.#inner.open(path, mode)
        return opened
      })
      return new InterceptedHandle(handle, this.#gate, path)
    } catch (error) {
      // Failed late: the file may be there, but nobody has a handle.
      await opened?.close()
      throw error
    }
  }

  openSync(path: string, mode: 'read'): FileHandle {
    let opened: FileHandle | undefined
    try {
      const handle = this.#gate.runSync({ kind: 'open', path, mode }, () => {
        opened = this.#inner.openSync(path, mode)
        return opened
      })
      return new InterceptedHandle(handle, this.#gate, path)
    } catch (error) {
      opened?.closeSync()
      throw error
    }
  }

  async readFile(path: string): Promise<Buffer> {
    return this.#gate.run({ kind: 'readFile', path }, () => this.#inner.readFile(path))
  }

  async mkdir(path: string): Promise<void> {
    await this.#gate.run({ kind: 'mkdir', path }, () => this.#inner.mkdir(path))
  }

  async list(path: string): Promise<string[]> {
    return this.#gate.run({ kind: 'list', path }, () => this.#inner.list(path))
  }

  listSync(path: string): string[] {
    return this.#gate.runSync({ kind: 'list', path }, () => this.#inner.listSync(path))
  }

  async rename(from: string, to: string): Promise<void> {
    await this.#gate.run({ kind: 'rename', path: from, to }, () => this.#inner.rename(from, to))
  }

  async link(from: string, to: string): Promise<void> {
    await this.#gate.run({ kind: 'link', path: from, to }, () => this.#inner.link(from, to))
  }

  async remove(path: string): Promise<void> {
    await this.#gate.run({ kind: 'remove', path }, () => this.#inner.remove(path))
  }

  async removeFolder(path: string): Promise<void> {
    await this.#gate.run({ kind: 'removeFolder', path }, () => this.#inner.removeFolder(path))
  }

  async stat(path: string): Promise<FileStat | undefined> {
    return this.#gate.run({ kind: 'stat', path }, () => this.#inner.stat(path))
  }

  async realPath(path: string): Promise<string> {
    return this.#gate.run({ kind: 'realPath', path }, () => this.#inner.realPath(path))
  }

  async syncFolder(path: string): Promise<void> {
    await this.#gate.run({ kind: 'syncFolder', path }, () => this.#inner.syncFolder(path))
  }

  watch(folder: string, onChange: () => void): (() => void) | undefined {
    return this.#inner.watch?.(folder, onChange)
  }

  async freeBytes(path: string): Promise<number> {
    return this.#gate.run({ kind: 'freeBytes', path }, () => this.#inner.freeBytes(path))
  }
}

class InterceptedHandle implements FileHandle {
  readonly #inner: FileHandle
  readonly #gate: Gate
  readonly #path: string
  #isClosed = false

  constructor(inner: FileHandle, gate: Gate, path: string) {
    this.#inner = inner
    this.#gate = gate
    this.#path = path
  }

  readSync(target: Buffer, targetStart: number, length: number, position: number): number {
    return this.#gate.runSync({ kind: 'read', path: this.#path, position, length }, () =>
      this.#inner.readSync(target, targetStart, length, position),
    )
  }

  async read(target: Buffer, targetStart: number, length: number, position: number): Promise<number> {
    return this.#gate.run({ kind: 'read', path: this.#path, position, length }, () =>
      this.#inner.read(target, targetStart, length, position),
    )
  }

  writeSync(source: Buffer, sourceStart: number, length: number, position: number): number {
    return this.#gate.runSync({ kind: 'write', path: this.#path, position, length }, (allowed) =>
      this.#inner.writeSync(source, sourceStart, allowed ?? length, position),
    )
  }

  async write(source: Buffer, sourceStart: number, length: number, position: number): Promise<number> {
    return this.#gate.run({ kind: 'write', path: this.#path, position, length }, (allowed) =>
      this.#inner.write(source, sourceStart, allowed ?? length, position),
    )
  }

  async datasync(): Promise<void> {
    await this.#gate.run({ kind: 'datasync', path: this.#path }, () => this.#inner.datasync())
  }

  async sync(): Promise<void> {
    await this.#gate.run({ kind: 'sync', path: this.#path }, () => this.#inner.sync())
  }

  async truncate(size: number): Promise<void> {
    const operation: Operation = { kind: 'truncate', path: this.#path, length: size }
    await this.#gate.run(operation, () => this.#inner.truncate(size))
  }

  async size(): Promise<number> {
    return this.#gate.run({ kind: 'size', path: this.#path }, () => this.#inner.size())
  }

  sizeSync(): number {
    return this.#gate.runSync({ kind: 'size', path: this.#path }, () => this.#inner.sizeSync())
  }

  async close(): Promise<void> {
    // Only the first counts as an operation. One that fails has closed the file all the same, as on a disk.
    if (this.#isClosed) return this.#inner.close()
    this.#isClosed = true
    try {
      await this.#gate.run({ kind: 'close', path: this.#path }, () => this.#inner.close())
    } finally {
      await this.#inner.close()
    }
  }

  closeSync(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    try {
      this.#gate.runSync({ kind: 'close', path: this.#path }, () => this.#inner.closeSync())
    } finally {
      this.#inner.closeSync()
    }
  }
}

/** Asks the interceptor around each operation. */
class Gate {
  readonly #interceptor: Interceptor

  constructor(interceptor: Interceptor) {
    this.#interceptor = interceptor
  }

  /** `act` gets the length to which a write is shortened. */
  async run<T>(operation: Operation, act: (length: number | undefined) => Promise<T>): Promise<T> {
    await this.#interceptor.delay?.(operation)
    const verdict = this.#verdict(operation)
    try {
      if (verdict?.kind === 'fail') throw verdict.error
      if (verdict?.kind === 'fail-late') {
        await act(undefined).catch(() => undefined)
        throw verdict.error
      }
      const result = verdict?.kind === 'lie' ? (undefined as T) : await act(lengthOf(verdict))
      this.#interceptor.after?.(operation, undefined)
      return result
    } catch (error) {
      this.#interceptor.after?.(operation, error)
      throw error
    }
  }

  runSync<T>(operation: Operation, act: (length: number | undefined) => T): T {
    const verdict = this.#verdict(operation)
    try {
      if (verdict?.kind === 'fail') throw verdict.error
      if (verdict?.kind === 'fail-late') {
        act(undefined)
        throw verdict.error
      }
      const result = verdict?.kind === 'lie' ? (undefined as T) : act(lengthOf(verdict))
      this.#interceptor.after?.(operation, undefined)
      return result
    } catch (error) {
      this.#interceptor.after?.(operation, error)
      throw error
    }
  }

  #verdict(operation: Operation): Verdict | undefined {
    const verdict = this.#interceptor.before(operation)
    if (verdict?.kind === 'lie') {
      assert(
        operationsWithoutResult.has(operation.kind),
        'only an operation without a result can be forgotten',
      )
    }
    if (verdict?.kind === 'short') {
      assert(operation.kind === 'write', 'only a write can be shortened')
      assert(
        verdict.length >= 1 && verdict.length <= (operation.length ?? 0),
        'a short write writes something',
      )
    }
    return verdict
  }
}

function lengthOf(verdict: Verdict | undefined): number | undefined {
  return verdict?.kind === 'short' ? verdict.length : undefined
}
