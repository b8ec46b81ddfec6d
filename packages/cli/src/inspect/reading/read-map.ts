import { VarveError } from '@varve/pack/errors'
import { decodeMapHeader, type MapHeader, mapFencesSeed } from '@varve/pack/pack'
import type { FileBytes } from '../file-bytes.ts'
import { problem, type Step, stretch } from '../finding.ts'
import { mapHeaderBytes, mapHeaderLine } from '../lines/header-lines.ts'
import { pageBytes, runsLine } from '../lines/page-lines.ts'
import { numberLists } from './number-lists.ts'
import type { Subject } from './subject.ts'
import { damage, gap } from './unproved.ts'

const FENCE_BYTES = 8

/** Header, pages of runs, fences. Each page proves itself, so one is told whatever is wrong around it. */
export async function* readMap({ file, name }: Subject): AsyncGenerator<Step> {
  const page = Buffer.from(await file.read(0, pageBytes))
  const header = headerIn(page, name)
  if (header === undefined) yield* damage(file, { from: 0, to: page.length }, 'header')
  else {
    yield stretch(mapHeaderLine(header), page.subarray(0, mapHeaderBytes))
    yield* gap(file, mapHeaderBytes, pageBytes)
  }
  const pageCount = pagesOf(file, header)
  const fencesAt = Math.min(file.size, pageBytes * (1 + pageCount))
  for (let number = 0, at = pageBytes; at < fencesAt; number++, at += pageBytes) {
    const bytes = await file.read(at, Math.min(pageBytes, fencesAt - at))
    const line = runsLine(bytes, number)
    if (line === undefined) yield* damage(file, { from: at, to: at + bytes.length }, 'page')
    else yield stretch(line, bytes)
  }
  const end = Math.min(file.size, fencesAt + pageCount * FENCE_BYTES)
  const sum = header && { expected: header.fencesChecksum, seed: mapFencesSeed }
  yield* numberLists(file, { from: fencesAt, to: end, type: 'fences', sum })
  yield* damage(file, { from: Math.max(end, page.length), to: file.size }, 'rest')
  if (header !== undefined && file.size !== lengthOf(header))
    yield problem('it has not the length that its header tells')
}

function lengthOf({ pageCount }: MapHeader): number {
  return pageBytes * (1 + pageCount) + pageCount * FENCE_BYTES
}

/** @throws NEWER_FORMAT */
function headerIn(page: Buffer, name: string): MapHeader | undefined {
  try {
    return decodeMapHeader(page, name)
  } catch (error) {
    if (!VarveError.is(error, 'CORRUPT')) throw error
    return undefined
  }
}

/** As the header says; where it is damaged, as the length of a whole file tells. */
function pagesOf(file: FileBytes, header: MapHeader | undefined): number {
  if (header !== undefined) return Math.min(header.pageCount, Math.ceil(file.size / pageBytes))
  return Math.max(0, Math.floor((file.size - pageBytes) / (pageBytes + FENCE_BYTES)))
}
