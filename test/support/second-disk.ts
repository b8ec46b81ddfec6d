import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { SmallDisk } from './small-disk.ts'

/** Where Linux has a file system in memory for everybody. */
const sharedMemory = '/dev/shm'

/** A folder on another file system than that of the folder for temporary files. */
export class SecondDisk {
  readonly path: string
  readonly #remove: () => void

  private constructor(path: string, remove: () => void) {
    this.path = path
    this.#remove = remove
  }

  /** Says why where the system has none. */
  static open(bytes: number): SecondDisk | string {
    const own = SmallDisk.mount(bytes)
    if (typeof own !== 'string') return new SecondDisk(own.path, () => own.unmount())
    try {
      const path = mkdtempSync(join(sharedMemory, 'varve-disk-'))
      const remove = (): void => rmSync(path, { recursive: true })
      if (statSync(path).dev !== statSync(tmpdir()).dev) return new SecondDisk(path, remove)
      remove()
      return `${sharedMemory} is the file system of ${tmpdir()}, and ${own}`
    } catch (error) {
      return `${own}; ${String(error)}`
    }
  }

  remove(): void {
    this.#remove()
  }
}

/** A folder under which another one can be found, or nothing: for root. */
export class MountPoint {
  readonly path: string
  #isMounted = false

  constructor() {
    this.path = mkdtempSync(join(tmpdir(), 'varve-mount-'))
  }

  mount(folder: string): void {
    execFileSync('mount', ['--bind', folder, this.path], { stdio: 'pipe' })
    this.#isMounted = true
  }

  /** @param busy also while files are open below it; otherwise that is refused. */
  unmount(busy: 'busy' | 'idle'): void {
    execFileSync('umount', busy === 'busy' ? ['-l', this.path] : [this.path], { stdio: 'pipe' })
    this.#isMounted = false
  }

  remove(): void {
    if (this.#isMounted) this.unmount('busy')
    rmSync(this.path, { recursive: true })
  }
}
