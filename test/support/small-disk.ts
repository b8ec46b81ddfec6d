import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/**
 * A file system of its own, of a given size, in memory: what the kernel does when a disk is full or
 * read-only.
 */
export class SmallDisk {
  readonly path: string

  private constructor(path: string) {
    this.path = path
  }

  /** Says why where the system does not let us have one. */
  static mount(bytes: number): SmallDisk | string {
    if (process.platform !== 'linux') return `a disk of its own needs Linux, not ${process.platform}`
    if (process.getuid?.() !== 0) return 'a disk of its own needs root'
    const path = mkdtempSync(join(tmpdir(), 'varve-disk-'))
    try {
      execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${bytes}`, 'tmpfs', path], { stdio: 'pipe' })
      return new SmallDisk(path)
    } catch (error) {
      rmSync(path, { recursive: true })
      return `a disk of its own cannot be mounted: ${String(error)}`
    }
  }

  setReadOnly(isReadOnly: boolean): void {
    execFileSync('mount', ['-o', `remount,${isReadOnly ? 'ro' : 'rw'}`, this.path], { stdio: 'pipe' })
  }

  unmount(): void {
    execFileSync('umount', ['-l', this.path], { stdio: 'pipe' })
    rmSync(this.path, { recursive: true })
  }
}
