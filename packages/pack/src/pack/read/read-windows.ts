import { readFullySync } from '../../fs/index.ts'
import type { PackFile } from '../blocks/index.ts'

/**
 * One read of the file system brings the page of the system's cache that the record asked for begins in, and
 * with it most of what was written before: children come before what refers to them. Looking pages up costs
 * more than copying them, so the next one comes along only where the record may go on in it.
 */
const pageBytes = 4096
const windowCount = 16

/**
 * The last few small pieces read from files, kept for neighbours of the record that was asked for. What they
 * hold is proved by nobody; a piece of the open chunk may have been read before its last bytes were written.
 */
export class ReadWindows {
  readonly #windows: Window[] = []
  #next = 0

  /**
   * Where the byte at `position` is: fills `into` with a buffer, its place there, and how many bytes follow.
   */
  at(file: PackFile, position: number, into: WindowPlace): void {
    const window = this.#find(file, position) ?? this.#read(file, position)
    into.buf = window.buf
    into.start = position - window.from
    into.available = window.to - position
  }

  #find(file: PackFile, position: number): Window | undefined {
    for (const window of this.#windows) {
      if (window.file !== file || position < window.from) continue
      if (position + minimumAhead <= window.to) return window
    }
    return undefined
  }

  #read(file: PackFile, position: number): Window {
    const window = this.#windows[this.#next] ?? emptyWindow()
    this.#windows[this.#next] = window
    this.#next = (this.#next + 1) % windowCount
    window.file = undefined
    const from = position - (position % pageBytes)
    const pages = position + minimumAhead <= from + pageBytes ? 1 : 2
    const wanted = Math.min(pages * pageBytes, file.end - from)
    const length = readFullySync(file.handle, window.buf, 0, wanted, from)
    window.from = from
    window.to = from + length
    window.file = file
    return window
  }
}

/** Fewer bytes than a header and a small body behind the position are not worth looking at. */
const minimumAhead = 256

export interface WindowPlace {
  buf: Buffer
  start: number
  available: number
}

interface Window {
  readonly buf: Buffer
  file: PackFile | undefined
  from: number
  to: number
}

function emptyWindow(): Window {
  return { buf: Buffer.allocUnsafeSlow(2 * pageBytes), file: undefined, from: 0, to: 0 }
}
