import { readFullySync } from '../../fs/index.ts'
import type { PackFile } from '../blocks/index.ts'

/**
 * One read of the file system brings a little of what lies in front of the record asked for, too: a blob is
 * written just before the directory that refers to it. Live records lie far apart, so more would be copied in
 * vain: of 100,000 reads at random, windows of 2 KiB spare one call in 100.
 */
const windowBytes = 1024
const bytesBefore = 256
/** What is asked for next is beside what was asked for last: of 16 windows, 14 spare one call in 5,000. */
const windowCount = 2

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
    const from = Math.max(0, position - bytesBefore)
    const wanted = Math.min(windowBytes, file.end - from)
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
  return { buf: Buffer.allocUnsafeSlow(windowBytes), file: undefined, from: 0, to: 0 }
}
