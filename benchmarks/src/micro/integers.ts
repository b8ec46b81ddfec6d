import { readU64, VarintReader, writeU64, writeVarint } from '@varve/pack/base'
import { type Benchmark, bestNanoseconds } from '../benchmark.ts'

const count = 500_000

export const integerBenchmark: Benchmark = {
  name: 'micro/integers',
  about: `${count} offsets written and read as fixed 64-bit fields and as varints`,
  *run() {
    const bytes = Buffer.alloc(count * 8)
    const step = 12_345_678
    yield { what: 'write a 64-bit field', value: bestNanoseconds(count, writeFields), unit: 'ns' }
    yield { what: 'read a 64-bit field', value: bestNanoseconds(count, readFields), unit: 'ns' }
    yield { what: 'write a varint', value: bestNanoseconds(count, writeVarints), unit: 'ns' }
    yield { what: 'read a varint', value: bestNanoseconds(count, readVarints), unit: 'ns' }

    function writeFields(): void {
      for (let i = 0; i < count; i++) writeU64(bytes, i * step, i * 8)
    }
    function readFields(): void {
      for (let i = 0; i < count; i++) readU64(bytes, i * 8)
    }
    function writeVarints(): void {
      for (let i = 0, at = 0; i < count; i++) at = writeVarint(bytes, i * step, at)
    }
    function readVarints(): void {
      const reader = new VarintReader(bytes, 0, bytes.length)
      for (let i = 0; i < count; i++) reader.next()
    }
  },
}
