import { parseHash } from '@varve/store'
import { CommandFailure } from '../../terminal/index.ts'
import {
  type CommandContext,
  EXIT_FINDINGS,
  openForReading,
  openForWriting,
  userPath,
} from '../context/index.ts'

/** Hashes asked for at once. */
const ASKED_MAX = 1_000

/**
 * Puts content and prints its hash. A bare blob is kept for the grace of collections, then only if a tree
 * holds it.
 */
export async function blobPut(
  context: CommandContext,
  file: string | undefined,
  expect: string | undefined,
): Promise<void> {
  const expected = expect === undefined ? undefined : parseHash(expect, 'blob')
  await openForWriting(context, async (store) => {
    let size = 0
    const content = counted(inputOf(context, file), (bytes) => {
      size += bytes
    })
    const hash = await store.putBlob(content, { expected, signal: context.signal })
    await store.flush()
    await context.output.document({ type: 'blob', hash, size }, () => [hash])
  })
}

/** Exit code 3 when at least one is absent. */
export async function blobHas(context: CommandContext, given: readonly string[]): Promise<number> {
  const { output } = context
  return openForReading(context, async (store) => {
    const listing = output.listing()
    let isAllThere = true
    for await (const asked of inGroups(hashesOf(context, given))) {
      const hashes = asked.map((text) => parseHash(text, 'blob'))
      const answers = await store.hasBlobs(hashes, { signal: context.signal })
      for (const [at, hash] of hashes.entries()) {
        const isPresent = answers[at] === true
        isAllThere &&= isPresent
        await listing.row({ type: 'presence', hash, present: isPresent }, () => [
          { text: hash },
          { text: isPresent ? 'present' : 'absent' },
        ])
      }
    }
    await listing.end()
    return isAllThere ? 0 : EXIT_FINDINGS
  })
}

function inputOf(context: CommandContext, file: string | undefined): AsyncIterable<Uint8Array> {
  const { stdin, files } = context.host
  return file === undefined || file === '-' ? stdin.read() : files.read(userPath(context, file))
}

async function* counted(
  content: AsyncIterable<Uint8Array>,
  onBytes: (size: number) => void,
): AsyncGenerator<Uint8Array> {
  for await (const part of content) {
    onBytes(part.length)
    yield part
  }
}

/** From the arguments, or one a line from stdin for '-' or none. */
async function* hashesOf(context: CommandContext, given: readonly string[]): AsyncGenerator<string> {
  if (given.length > 0 && !given.includes('-')) return yield* given
  if (given.length > 1) throw new CommandFailure('USAGE', "'-' stands alone")
  let rest = ''
  const decoder = new TextDecoder()
  for await (const part of context.host.stdin.read()) {
    const lines = (rest + decoder.decode(part, { stream: true })).split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) if (line.trim() !== '') yield line.trim()
  }
  if (rest.trim() !== '') yield rest.trim()
}

async function* inGroups(items: AsyncIterable<string>): AsyncGenerator<string[]> {
  let group: string[] = []
  for await (const item of items) {
    group.push(item)
    if (group.length < ASKED_MAX) continue
    yield group
    group = []
  }
  if (group.length > 0) yield group
}
