import { tryReadU64 } from '@varve/pack/base'
import { VarveError } from '@varve/pack/errors'
import { decodeMeta, metaTable, rawToHex } from '@varve/pack/objects'
import { readCheckpoint } from '@varve/pack/pack'
import { firstBytes, readStoreId } from './file-header.ts'
import type { Finding } from './finding.ts'
import type { InspectedFile } from './inspected-file.ts'

/** Where the log position stands in the header; see docs/format.md, "Checkpoint". */
const POSITION_AT = 32

const tables: ReadonlyMap<number, string> = new Map(
  Object.entries(metaTable).map(([name, table]) => [table, name]),
)

export async function* inspectCheckpoint(file: InspectedFile): AsyncGenerator<Finding> {
  const { fs, folder, name, number } = file
  const storeId = await readStoreId(file)
  const position = tryReadU64(await firstBytes(file, POSITION_AT + 8), POSITION_AT)
  if (position === undefined) throw new VarveError('CORRUPT', { file: name, offset: POSITION_AT })
  yield { type: 'checkpoint', number, position, storeId: storeId.toString('hex') }
  for await (const entry of readCheckpoint(fs, { folder, number, position, storeId })) {
    const { body, offset, referenceCount } = entry
    const { table, key, value, references } = decodeMeta(body, 0, body.length, referenceCount)
    yield {
      type: 'meta',
      table: tables.get(table) ?? String(table),
      key: key.toString('utf8'),
      offset,
      value: value.toString('utf8'),
      references: references.map(({ kind, hash, offset: at }) => ({
        kind,
        hash: rawToHex(hash),
        offset: at,
      })),
    }
  }
}
