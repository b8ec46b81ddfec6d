/**
 * The first 8 bytes of values, as little-endian numbers, XORed: shows at once whether every read was right.
 */
export class ValueSum {
  #low = 0
  #high = 0

  add(value: Uint8Array): void {
    const view = new DataView(value.buffer, value.byteOffset, 8)
    this.#low ^= view.getUint32(0, true)
    this.#high ^= view.getUint32(4, true)
  }

  /** As 16 hexadecimal digits. */
  toString(): string {
    const digits = (word: number): string => (word >>> 0).toString(16).padStart(8, '0')
    return digits(this.#high) + digits(this.#low)
  }
}
