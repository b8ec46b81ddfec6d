import { loadXxh64, xxh64 } from '@varve/pack/base'
import { type Benchmark, bestNanoseconds } from '../benchmark.ts'

export const checksumBenchmark: Benchmark = {
  name: 'micro/checksum',
  about: 'xxh64 over records of usual sizes, as every read and append does it',
  async *run() {
    await loadXxh64()
    const bytes = Buffer.alloc(1 << 20, 7)
    for (const size of [100, 1_000, 4_096, 65_536]) {
      const count = Math.ceil(40_000_000 / (size + 400))
      const ns = bestNanoseconds(count, () => {
        for (let i = 0; i < count; i++) xxh64(bytes, i & 0xff_f8, (i & 0xff_f8) + size, i)
      })
      yield { what: `${size} bytes`, value: ns, unit: 'ns' }
    }
  },
}
