import { VarveError } from '@varve/pack/errors'
import { type FileSystem, readFullySync } from '@varve/pack/fs'
import { fileName } from '@varve/pack/layout'
import { encodeFilters, type FilterPlace, readFilters } from '@varve/pack/pack'
import type { Layer } from './files/layer.ts'
import type { Findings } from './findings.ts'

/**
 * A filter file: whether it is what was written, and, where the volume is there, whether it says of each of
 * the volume's files what the index of that says.
 */
export async function checkFilter(
  fs: FileSystem,
  place: FilterPlace,
  o: { readonly volume: Layer | undefined; readonly findings: Findings },
): Promise<void> {
  const { findings, volume } = o
  const file = fileName.filter(place.number)
  try {
    const filters = readFilters(fs, place)
    const expected = encodeFilters(place, filters)
    if (!bytesOf(fs, `${place.folder}/${file}`, expected.length).equals(expected)) {
      findings.warning(file, 0, 'a byte that should be zero is not')
    }
    for (const { number, filter } of filters) {
      const index = volume?.filterOf(number)
      if (index === undefined || index.equals(filter.toBytes())) continue
      findings.error(file, 0, `it does not say of file ${number} what the index of that says`, true)
    }
  } catch (error) {
    // It may go between two looks at it.
    const isGone = (await fs.stat(`${place.folder}/${file}`)) === undefined
    if (!isGone && !VarveError.is(error, 'CORRUPT')) throw error
    if (isGone) findings.missing.push(file)
    const offset = VarveError.is(error, 'CORRUPT') ? error.details.offset : 0
    findings.error(file, offset, 'the filter file is damaged or missing', true)
  }
}

function bytesOf(fs: FileSystem, path: string, length: number): Buffer {
  const handle = fs.openSync(path, 'read')
  try {
    const bytes = Buffer.alloc(length)
    readFullySync(handle, bytes, 0, length, 0)
    return bytes
  } finally {
    handle.closeSync()
  }
}
