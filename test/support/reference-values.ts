/** The generator of the reference workloads, written again with plain 64-bit arithmetic. */
class ReferenceRandom {
  #state: bigint

  constructor(seed: bigint) {
    this.#state = seed
  }

  next(): bigint {
    this.#state = BigInt.asUintN(64, this.#state + 0x9e37_79b9_7f4a_7c15n)
    let z = this.#state
    z = BigInt.asUintN(64, (z ^ (z >> 30n)) * 0xbf58_476d_1ce4_e5b9n)
    z = BigInt.asUintN(64, (z ^ (z >> 27n)) * 0x94d0_49bb_1331_11ebn)
    return z ^ (z >> 31n)
  }

  index(count: number): number {
    return Number(this.next() % BigInt(count))
  }

  /** The first 8 of 100 bytes, as a little-endian number. */
  value(): bigint {
    const first = this.next()
    for (let rest = 8; rest < 100; rest += 8) this.next()
    return first
  }
}

/** What W3 must read after W1 and W2: the first 8 bytes of all values, XORed, as 16 hexadecimal digits. */
export function expectedSum(o: {
  readonly keyCount: number
  readonly overwriteCount: number
  readonly readCount: number
}): string {
  const growth = new ReferenceRandom(42n)
  const values = Array.from({ length: o.keyCount }, () => {
    for (let draw = 0; draw < 3; draw++) growth.next()
    return growth.value()
  })
  const overwrites = new ReferenceRandom(43n)
  for (let write = 0; write < o.overwriteCount; write++) {
    values[overwrites.index(o.keyCount)] = overwrites.value()
  }
  const reads = new ReferenceRandom(44n)
  let sum = 0n
  for (let read = 0; read < o.readCount; read++) sum ^= values[reads.index(o.keyCount)] as bigint
  return sum.toString(16).padStart(16, '0')
}
