import { VarveError } from '@varve/pack/errors'
import { type CheckpointHeader, checkpointHeaderBytes, decodeCheckpointHeader } from '@varve/pack/pack'
import type { FileBytes } from '../file-bytes.ts'
import { type Finding, problem, type Step, stretch } from '../finding.ts'
import { blockHeaderBytes, blockLength, blockLine } from '../lines/block-lines.ts'
import { checkpointHeaderLine } from '../lines/header-lines.ts'
import type { Subject } from './subject.ts'
import { damage } from './unproved.ts'

interface FoundBlock {
  readonly line: Finding
  readonly bytes: Buffer
}

/** Header and blocks, each proved by itself. One that is damaged is passed over if its length leads on. */
export async function* readCheckpoint({ file, name }: Subject): AsyncGenerator<Step> {
  const bytes = Buffer.from(await file.read(0, checkpointHeaderBytes))
  const header = headerIn(bytes, name)
  if (header === undefined) yield* damage(file, { from: 0, to: bytes.length }, 'header')
  else yield stretch(checkpointHeaderLine(header), bytes)
  let at = bytes.length
  let blocks = 0
  let entries = 0
  for (; at < file.size; blocks++) {
    const block = await blockAt(file, at, blocks)
    if (block === undefined) {
      const end = await endOfDamaged(file, at, blocks)
      yield* damage(file, { from: at, to: end }, 'block')
      at = end
    } else {
      yield stretch(block.line, block.bytes)
      entries += (block.line['entries'] as unknown[]).length
      at += block.bytes.length
    }
  }
  if (header !== undefined && (header.blockCount !== blocks || header.entryCount !== entries)) {
    yield problem(`the header tells of ${header.blockCount} blocks with ${header.entryCount} entries`)
  }
}

async function blockAt(file: FileBytes, at: number, number: number): Promise<FoundBlock | undefined> {
  const length = blockLength(await file.read(at, blockHeaderBytes))
  if (length === undefined || at + length > file.size) return undefined
  const bytes = await file.read(at, length)
  const line = blockLine(bytes, number)
  return line && { line, bytes }
}

/** Where the next block is proved to begin; else where the file ends. */
async function endOfDamaged(file: FileBytes, at: number, number: number): Promise<number> {
  const length = blockLength(await file.read(at, blockHeaderBytes))
  if (length === undefined || at + length >= file.size) return file.size
  return (await blockAt(file, at + length, number + 1)) === undefined ? file.size : at + length
}

/** @throws NEWER_FORMAT */
function headerIn(bytes: Buffer, name: string): CheckpointHeader | undefined {
  try {
    return decodeCheckpointHeader(bytes, name)
  } catch (error) {
    if (!VarveError.is(error, 'CORRUPT')) throw error
    return undefined
  }
}
