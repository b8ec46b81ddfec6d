import { assert } from '../../base/index.ts'

// What a faulty disk does to bytes: each is given to `MemoryFileSystem.damage`.

/** Turns one bit over; bit 0 is the lowest of the first byte. */
export function flipBit(bit: number): (bytes: Buffer) => Buffer {
  return (bytes) => {
    const at = Math.floor(bit / 8)
    assert(bit >= 0 && at < bytes.length, 'the bit lies in the file')
    bytes[at] = (bytes[at] as number) ^ (1 << (bit % 8))
    return bytes
  }
}

export function zeroRange(start: number, end: number): (bytes: Buffer) => Buffer {
  return (bytes) => bytes.fill(0, start, Math.min(end, bytes.length))
}

/** Cuts, or fills up with zeros. */
export function truncateTo(size: number): (bytes: Buffer) => Buffer {
  return (bytes) => Buffer.concat([bytes.subarray(0, size), Buffer.alloc(Math.max(0, size - bytes.length))])
}

/** The right bytes in the wrong place; the place where they belong has what it had before, here zeros. */
export function misdirect(from: number, to: number, length: number): (bytes: Buffer) => Buffer {
  return (bytes) => {
    const moved = Buffer.from(bytes.subarray(from, from + length))
    bytes.fill(0, from, from + moved.length)
    moved.copy(bytes, to)
    return bytes
  }
}

/** Puts other bytes over those from the position on: a stale sector, say. */
export function overwrite(position: number, source: Buffer): (bytes: Buffer) => Buffer {
  return (bytes) => {
    source.copy(bytes, position)
    return bytes
  }
}
