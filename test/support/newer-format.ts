import { xxh64 } from '@varve/pack/base'

const controlAlignment = 4096
const controlHeaderBytes = 32

/** A pack, map, index, or checkpoint file as a later version might write it: all sums are right. */
export function withVersion(bytes: Buffer, version: number): Buffer {
  const at = headerSumOf(bytes)
  bytes.writeUInt32LE(version, 8)
  bytes.writeBigUInt64LE(xxh64(bytes, 0, at, 0), at)
  return bytes
}

/** A control file as a later version might write it. */
export function withControlFormat(bytes: Buffer, format: number): Buffer {
  for (let start = 0; start + controlHeaderBytes < bytes.length; start += controlAlignment) {
    if (bytes.toString('latin1', start, start + 4) !== 'VCTL') continue
    const end = start + controlHeaderBytes + bytes.readUInt32LE(start + 4)
    const at = bytes.indexOf('"format":1', start + controlHeaderBytes)
    bytes.write(`"format":${format}`, at, 'latin1')
    const checked = Buffer.concat([
      bytes.subarray(start, start + 24),
      bytes.subarray(start + controlHeaderBytes, end),
    ])
    bytes.writeBigUInt64LE(xxh64(checked, 0, checked.length, 0), start + 24)
  }
  return bytes
}

/** Where the sum of a header stands: right behind what it covers. */
function headerSumOf(bytes: Buffer): number {
  for (let at = 16; at < 1024; at += 8) if (xxh64(bytes, 0, at, 0) === bytes.readBigUInt64LE(at)) return at
  throw new Error('the file has no header')
}
