import { VarveError } from '@varve/pack/errors'
import type { Hash, StoredBlob, StoreReader } from '@varve/store'
import { CommandFailure } from '../../terminal/index.ts'
import {
  type CommandContext,
  findRoot,
  openForReading,
  parseRevisionPath,
  pathNotFound,
} from '../context/index.ts'

/** With JSON the content is one text in memory. */
const JSON_BYTES_MAX = 64 * 1024 * 1024

export interface ByteRange {
  readonly offset: number
  readonly length: number | undefined
}

/** A blob's exact bytes. */
export async function cat(
  context: CommandContext,
  target: string,
  range: ByteRange | undefined,
): Promise<void> {
  await openForReading(context, async (store) => {
    const blob = await findBlob(store, target)
    if (context.output.isJson) await asJson(context, blob, range)
    else for await (const part of blob.stream(streamOptions(context, range))) await context.output.bytes(part)
  })
}

async function asJson(
  context: CommandContext,
  blob: StoredBlob,
  range: ByteRange | undefined,
): Promise<void> {
  const { hash, size } = blob
  const length = Math.min(range?.length ?? size, size)
  if (length > JSON_BYTES_MAX) {
    throw new CommandFailure('USAGE', `${length} bytes are too many for JSON; use --range, or no --json`)
  }
  const parts: Uint8Array[] = []
  for await (const part of blob.stream(streamOptions(context, range))) parts.push(part)
  const base64 = Buffer.concat(parts).toString('base64')
  await context.output.document({ type: 'content', hash, size, offset: range?.offset ?? 0, base64 }, () => [])
}

function streamOptions(
  { signal }: CommandContext,
  range: ByteRange | undefined,
): { signal: AbortSignal; offset?: number; length?: number } {
  if (range === undefined) return { signal }
  return { signal, offset: range.offset, ...(range.length !== undefined && { length: range.length }) }
}

async function findBlob(store: StoreReader, target: string): Promise<StoredBlob> {
  const at = parseRevisionPath(target)
  if (!at.hasPath) {
    if (!/^[0-9a-f]{64}$/.test(at.revision)) {
      throw new CommandFailure(
        'USAGE',
        `${JSON.stringify(target)} is neither REV:PATH nor the hash of a blob`,
      )
    }
    const blob = await store.openBlob(at.revision as Hash<'blob'>)
    if (blob !== undefined) return blob
    throw new CommandFailure('OBJECT_NOT_FOUND', `no blob ${at.revision} in ${store.path}`)
  }
  const root = await findRoot(store, at.revision)
  const entry = await root.stat(at.path)
  if (entry === undefined) throw pathNotFound(at)
  if (entry.kind === 'tree') throw new VarveError('IS_A_TREE', { path: at.pathText })
  const blob = await store.openBlob(entry.hash)
  if (blob === undefined) throw new VarveError('COLLECTED', { hash: entry.hash })
  return blob
}
