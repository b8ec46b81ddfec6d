import { VarveError } from '@varve/pack/errors'
import {
  decodeIndexHeader,
  entriesPerPage,
  type IndexHeader,
  type IndexSection,
  indexKinds,
  indexSections,
  sectionSeed,
} from '@varve/pack/pack'
import type { FileBytes } from '../file-bytes.ts'
import { problem, type Step, stretch } from '../finding.ts'
import { indexHeaderBytes, indexHeaderLine } from '../lines/header-lines.ts'
import { entriesLine, pageBytes } from '../lines/page-lines.ts'
import { type ListPlace, numberLists } from './number-lists.ts'
import type { Subject } from './subject.ts'
import { damage, gap } from './unproved.ts'

const listTypes: { readonly [S in IndexSection]: ListPlace['type'] } = {
  fences: 'hash-fences',
  filter: 'filter',
  metadata: 'metadata',
  touched: 'touched',
  healed: 'healed',
}

/** Header, pages of entries, and the five lists that the header places. */
export async function* readIndex({ file, name }: Subject): AsyncGenerator<Step> {
  const page = Buffer.from(await file.read(0, pageBytes))
  const header = headerIn(page, name)
  if (header === undefined) {
    yield* withoutHeader(file, page.length)
    return
  }
  yield stretch(indexHeaderLine(header), page.subarray(0, indexHeaderBytes))
  yield* gap(file, indexHeaderBytes, pageBytes)
  const pagesEnd = Math.min(file.size, pageBytes * (1 + header.pageCount))
  yield* pagesUntil(file, pagesEnd, 'all')
  let at = pagesEnd
  for (const section of indexSections) {
    const { position, length, checksum } = header.sections[section]
    const end = Math.min(position + length, file.size)
    if (position !== at || position + length > file.size)
      yield problem(`${section} is not where it should be`)
    if (position !== at || end < at) continue
    const sum = { expected: checksum, seed: sectionSeed(section) }
    yield* numberLists(file, { from: at, to: end, type: listTypes[section], sum })
    at = end
  }
  yield* damage(file, { from: at, to: file.size }, 'rest')
  yield* verdict(header)
}

/** Pages prove themselves; where the lists begin, nothing tells. */
async function* withoutHeader(file: FileBytes, headerBytes: number): AsyncGenerator<Step> {
  yield* damage(file, { from: 0, to: headerBytes }, 'header')
  let at = headerBytes
  for await (const step of pagesUntil(file, file.size, 'proved')) {
    yield step
    if (step.kind === 'stretch') at += step.bytes.length
  }
  yield* damage(file, { from: at, to: file.size }, 'rest')
}

/** @param which all up to there, damaged or not; or only those up to the first that is not proved */
async function* pagesUntil(file: FileBytes, end: number, which: 'all' | 'proved'): AsyncGenerator<Step> {
  for (let number = 0, at = pageBytes; at < end; number++, at += pageBytes) {
    const bytes = await file.read(at, Math.min(pageBytes, end - at))
    const line = entriesLine(bytes, number)
    if (line !== undefined) yield stretch(line, bytes)
    else if (which === 'all') yield* damage(file, { from: at, to: at + bytes.length }, 'page')
    else return
  }
}

async function* verdict({ objects, entryCount, pageCount }: IndexHeader): AsyncGenerator<Step> {
  const counted = indexKinds.reduce((sum, kind) => sum + objects[kind].count, 0)
  if (counted !== entryCount || pageCount !== Math.ceil(entryCount / entriesPerPage)) {
    yield problem('the counts in the header contradict each other')
  }
}

/** @throws NEWER_FORMAT */
function headerIn(page: Buffer, name: string): IndexHeader | undefined {
  try {
    return decodeIndexHeader(page, name)
  } catch (error) {
    if (!VarveError.is(error, 'CORRUPT')) throw error
    return undefined
  }
}
