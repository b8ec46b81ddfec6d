import { join } from 'node:path'
import { NodeFileSystem } from '@varve/pack/fs'
import { rawToHex } from '@varve/pack/objects'
import { type BundleContents, bundleOf, proveBundle, takeBundleInto } from '@varve/store/internal'
import { CommandFailure, progressView, shownLines } from '../../terminal/index.ts'
import { type CommandContext, openForReading, openForWriting, userPath } from '../context/index.ts'

const STANDARD = '-'

/** Writes the bundle; to stdout nothing else. A file that could not be finished is removed. */
export async function bundleCreate(
  context: CommandContext,
  file: string,
  { revisions, not }: { readonly revisions: readonly string[]; readonly not: readonly string[] },
): Promise<void> {
  const { host, output, signal } = context
  await openForReading(context, async (store) => {
    const { bytes, count, tips } = await bundleOf(store, { revisions, not, signal })
    const view = await progressView(host, context.options)
    const counted = (async function* () {
      for await (const piece of bytes) {
        yield piece
        view.update({ label: 'objects', done: count.objects, bytes: count.bytes })
      }
    })()
    try {
      if (file === STANDARD) {
        for await (const piece of inBlocks(counted)) await output.bytes(piece)
        return
      }
      await writeFile(context, userPath(context, file), counted)
      view.stop()
      const { objects, commits } = count
      const json = { type: 'bundle', file, objects, commits, bytes: count.bytes }
      await output.document({ ...json, tips: tips.map(shownTip) }, () =>
        output.isForEyes
          ? [
              `${output.count(commits)} commits, ${output.count(objects)} objects, ${output.size(count.bytes)}`,
            ]
          : [['bundle', commits, objects, count.bytes].join('\t')],
      )
    } finally {
      view.stop()
    }
  })
}

/** Proves a bundle without a store. */
export async function bundleVerify(context: CommandContext, file: string): Promise<void> {
  const { host } = context
  if (file !== STANDARD) return showContents(context, await proved(context, userPath(context, file), file))
  // Large content is proved by a second look at its parts.
  const folder = await host.files.makeTemporaryFolder('varve-bundle-')
  try {
    const path = join(folder, 'bundle')
    await host.files.create(path, host.stdin.read(), { isExecutable: false })
    await showContents(context, await proved(context, path, 'stdin'))
  } finally {
    await host.files.removeFolder(folder)
  }
}

/** Takes a bundle in. */
export async function bundleImport(context: CommandContext, file: string): Promise<void> {
  const { host, output, signal } = context
  const isStandard = file === STANDARD
  await openForWriting(context, async (store) => {
    const view = await progressView(host, context.options)
    const pieces = isStandard ? host.stdin.read() : host.files.read(userPath(context, file))
    try {
      const { contents, refs } = await takeBundleInto(store, pieces, {
        ...{ name: isStandard ? 'stdin' : file, signal },
        onProgress: ({ done, bytesDone }) => view.update({ label: 'objects', done, bytes: bytesDone }),
      })
      view.stop()
      const bare = contents.tips.filter(({ ref }) => ref === '').map(({ commit }) => rawToHex(commit))
      const { objects, commits, bytes } = contents
      await output.document({ type: 'taken', objects, commits, bytes, refs, bare }, () => [
        output.isForEyes
          ? `${output.count(commits)} commits, ${output.count(objects)} objects, ${output.size(bytes)}`
          : ['imported', commits, objects, bytes].join('\t'),
        ...refs.map(({ ref, state, commit }) =>
          shownLines(output.isForEyes ? `${state.padEnd(9)} ${ref}` : ['ref', state, ref, commit].join('\t')),
        ),
        ...bare.map((commit) => (output.isForEyes ? `no name   ${commit}` : ['bare', commit].join('\t'))),
      ])
    } finally {
      view.stop()
    }
  })
}

async function writeFile(
  { host }: CommandContext,
  path: string,
  pieces: AsyncIterable<Uint8Array>,
): Promise<void> {
  if ((await host.files.kind(path)) !== undefined) throw new CommandFailure('EXISTS', `${path} exists`)
  try {
    await host.files.create(path, inBlocks(pieces), { isExecutable: false })
  } catch (error) {
    await host.files.remove(path).catch(() => undefined)
    throw error
  }
}

async function proved(context: CommandContext, path: string, name: string): Promise<BundleContents> {
  const { host, signal } = context
  const view = await progressView(host, context.options)
  try {
    return await proveBundle(new NodeFileSystem(), path, {
      ...{ name, signal },
      onProgress: (done, bytes) => view.update({ label: 'objects', done, bytes }),
    })
  } finally {
    view.stop()
  }
}

async function showContents({ output }: CommandContext, contents: BundleContents): Promise<void> {
  const { objects, commits, bytes } = contents
  const prerequisites = contents.prerequisites.map(rawToHex)
  const tips = contents.tips.map(shownTip)
  await output.document({ type: 'bundle', objects, commits, bytes, prerequisites, tips }, () => [
    output.isForEyes
      ? `whole: ${output.count(commits)} commits, ${output.count(objects)} objects, ${output.size(bytes)}`
      : ['whole', commits, objects, bytes].join('\t'),
    ...tips.map(({ ref, commit }) =>
      shownLines(output.isForEyes ? `${output.hash(commit)}  ${ref}` : ['tip', ref, commit].join('\t')),
    ),
    ...prerequisites.map((commit) =>
      output.isForEyes ? `needs ${output.hash(commit)}` : ['needs', commit].join('\t'),
    ),
  ])
}

function shownTip({ ref, commit }: BundleContents['tips'][number]): { ref: string; commit: string } {
  return { ref, commit: rawToHex(commit) }
}

const BLOCK_BYTES = 1 << 18

/** Objects are small: a write for each would take its time. */
async function* inBlocks(pieces: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let waiting: Uint8Array[] = []
  let bytes = 0
  for await (const piece of pieces) {
    waiting.push(piece)
    bytes += piece.length
    if (bytes < BLOCK_BYTES) continue
    yield Buffer.concat(waiting)
    waiting = []
    bytes = 0
  }
  if (bytes > 0) yield Buffer.concat(waiting)
}
