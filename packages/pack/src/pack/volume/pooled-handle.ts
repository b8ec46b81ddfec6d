import { ReadOnlyHandle } from '../../fs/index.ts'
import type { HandlePool, PooledFile } from './handle-pool.ts'

/** A file of a volume as those read it who know nothing of volumes: opened whenever it is read from. */
export class PooledHandle extends ReadOnlyHandle {
  readonly #pool: HandlePool
  readonly #file: PooledFile

  constructor(pool: HandlePool, file: PooledFile) {
    super()
    this.#pool = pool
    this.#file = file
  }

  readSync(target: Buffer, targetStart: number, length: number, position: number): number {
    return this.#pool.useSync(this.#file, (handle) => handle.readSync(target, targetStart, length, position))
  }

  read(target: Buffer, targetStart: number, length: number, position: number): Promise<number> {
    return this.#pool.use(this.#file, (handle) => handle.read(target, targetStart, length, position))
  }

  sizeSync(): number {
    return this.#pool.useSync(this.#file, (handle) => handle.sizeSync())
  }

  size(): Promise<number> {
    return this.#pool.use(this.#file, (handle) => handle.size())
  }

  closeSync(): void {
    this.#pool.forget(this.#file.name)
  }
}
