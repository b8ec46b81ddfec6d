import { problem, type Step, stretch } from '../finding.ts'
import {
  filterHeaderBytes,
  filterHeaderLine,
  filterTableBytes,
  type PlacedFilter,
  placedFilters,
} from '../lines/filter-lines.ts'
import { numberLists } from './number-lists.ts'
import type { Subject } from './subject.ts'
import { damage, gap } from './unproved.ts'

/** A table that is longer is damage. */
const TABLE_BYTES_MAX = 40 * 1024 * 1024
/** Filters start at a multiple of this. */
const ALIGNMENT = 64

/** Header, table, and the filters that the table places one behind the other. @throws NEWER_FORMAT */
export async function* readFilters({ file }: Subject): AsyncGenerator<Step> {
  const bytes = Buffer.from(await file.read(0, filterHeaderBytes))
  const header = filterHeaderLine(bytes)
  if (header === undefined) {
    yield* damage(file, { from: 0, to: file.size }, 'header')
    return
  }
  yield stretch(header, bytes)
  if (header['length'] !== file.size) yield problem('it has not the length that its header tells')
  const tableBytes = filterTableBytes(header['filters'] as number)
  const hasTable = tableBytes <= TABLE_BYTES_MAX && filterHeaderBytes + tableBytes <= file.size
  const table = hasTable ? Buffer.from(await file.read(filterHeaderBytes, tableBytes)) : undefined
  const filters = table && placedFilters(table)
  if (table === undefined || filters === undefined) {
    yield* damage(file, { from: filterHeaderBytes, to: file.size }, 'list')
    return
  }
  yield stretch({ type: 'filter-table', filters }, table)
  let at = filterHeaderBytes + tableBytes
  const first = Math.min(Math.ceil(at / ALIGNMENT) * ALIGNMENT, file.size)
  yield* gap(file, at, first)
  at = first
  for (const filter of filters) {
    const end = filter.position + filter.length
    if (filter.position !== at || end > file.size) {
      yield problem(`the filter of ${filter.number} is not where it should be`)
      break
    }
    yield* numberLists(file, { from: at, to: end, type: 'filter', sum: sumOf(filter) })
    at = end
  }
  yield* damage(file, { from: at, to: file.size }, 'rest')
}

function sumOf({ checksum, number }: PlacedFilter): { readonly expected: bigint; readonly seed: number } {
  return { expected: BigInt(`0x${checksum}`), seed: number }
}
