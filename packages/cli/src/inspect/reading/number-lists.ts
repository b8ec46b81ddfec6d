import { Xxh64Stream } from '@varve/pack/base'
import type { FileBytes } from '../file-bytes.ts'
import { type Finding, problem, type Step, stretch } from '../finding.ts'
import { sliceBytes } from '../lines/line-builder.ts'
import { hashFences, numbersOf } from '../lines/page-lines.ts'
import { damage } from './unproved.ts'

/** A list that stands behind pages, with one checksum for all of it. */
export interface ListPlace {
  readonly from: number
  readonly to: number
  readonly type: 'fences' | 'hash-fences' | 'filter' | 'metadata' | 'touched' | 'healed'
  readonly sum?: { readonly expected: bigint; readonly seed: number } | undefined
}

/** The list in slices, and a note where it is not what was written. */
export async function* numberLists(file: FileBytes, o: ListPlace): AsyncGenerator<Step> {
  const { from, to, type, sum } = o
  const found = new Xxh64Stream(sum?.seed ?? 0)
  for (let at = from; at < to; ) {
    const bytes = await file.read(at, Math.min(sliceBytes, to - at))
    if (bytes.length === 0) break
    found.update(bytes, 0, bytes.length)
    const line = listLine(type, bytes)
    const next = at + bytes.length
    if (line === undefined) yield* damage(file, { from: at, to: next }, 'list')
    else yield stretch(line, bytes)
    at = next
  }
  if (sum !== undefined && found.digest() !== sum.expected) yield problem(`${type} is not what was written`)
}

function listLine(type: ListPlace['type'], bytes: Buffer): Finding | undefined {
  if (type === 'filter') return { type, content: bytes.toString('base64') }
  if (type === 'hash-fences') return bytes.length % 8 === 0 ? { type, hashes: hashFences(bytes) } : undefined
  const numbers = numbersOf(bytes)
  if (numbers === undefined) return undefined
  if (type !== 'touched') return { type, offsets: numbers }
  if (numbers.length % 2 !== 0) return undefined
  return {
    type,
    touches: Array.from({ length: numbers.length / 2 }, (_, i) => numbers.slice(i * 2, i * 2 + 2)),
  }
}
