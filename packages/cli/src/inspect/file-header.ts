import { tryReadU64 } from '@varve/pack/base'
import { VarveError } from '@varve/pack/errors'
import { readFully } from '@varve/pack/fs'
import type { magic } from '@varve/pack/layout'
import { decodePackHeader, type PackHeader, packHeaderSize } from '@varve/pack/pack'
import type { InspectedFile } from './inspected-file.ts'

/** Where the store's id stands in the headers of maps, indexes, and checkpoints; see docs/format.md. */
const STORE_ID_AT = 16

/** The header of a chunk or a segment, taken by its own word for what control would say of it. */
export async function readPackHeader(
  file: InspectedFile,
  kind: typeof magic.chunk | typeof magic.segment,
): Promise<PackHeader> {
  const bytes = await firstBytes(file, packHeaderSize)
  const base = bytes.length < packHeaderSize ? 0 : (tryReadU64(bytes, 48) ?? 0)
  const expected = {
    file: file.name,
    magic: kind,
    number: file.number,
    storeId: bytes.subarray(32, 48),
    base,
  }
  return decodePackHeader(bytes, expected)
}

/** The id of the store that a map, an index, or a checkpoint says it belongs to. @throws CORRUPT */
export async function readStoreId(file: InspectedFile): Promise<Buffer> {
  const bytes = await firstBytes(file, STORE_ID_AT + 16)
  if (bytes.length < STORE_ID_AT + 16)
    throw new VarveError('CORRUPT', { file: file.name, offset: bytes.length })
  return bytes.subarray(STORE_ID_AT)
}

export async function firstBytes({ fs, folder, name }: InspectedFile, size: number): Promise<Buffer> {
  const handle = await fs.open(`${folder}/${name}`, 'read')
  try {
    const bytes = Buffer.alloc(size)
    return bytes.subarray(0, await readFully(handle, bytes, 0, size, 0))
  } finally {
    await handle.close()
  }
}
