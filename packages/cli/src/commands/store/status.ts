import { type StoreStats, VarveError } from '@varve/store'
import { type CommandContext, openForReading } from '../context/index.ts'

const orMore = ' or more: the log is damaged'

export async function status(context: CommandContext): Promise<void> {
  const { output } = context
  await openForReading(context, async (store) => {
    const stats = store.stats()
    const [branches, areAllBranches] = await count(store.branches())
    const [tags, areAllTags] = await count(store.tags())
    const isAll = areAllBranches && areAllTags
    const bytes = sum(stats)
    const latestTarget = store.gc.latestTarget() ?? null
    const { path, id } = store
    const { files, objects, volumes } = stats
    const liveBytes = files.reduce((total, file) => total + file.liveBytes, 0)
    const archivedBytes = volumes.reduce((total, volume) => total + volume.bytes, 0)
    const json = {
      ...{ type: 'status', path, id, branches, tags, objects, bytes, liveBytes, files },
      ...{ volumes, archivedBytes, latestTarget, ...(!isAll && { refsUnknown: true }) },
    }
    await output.facts(json, [
      ['path', path],
      ['id', id],
      ['branches', output.count(branches) + (areAllBranches ? '' : orMore)],
      ['tags', output.count(tags) + (areAllTags ? '' : orMore)],
      ['commits', output.count(objects.commit)],
      ['trees', output.count(objects.tree)],
      ['blobs', output.count(objects.blob)],
      ['files', `${output.count(files.length)}`],
      ['bytes', output.size(bytes)],
      ['live', output.size(liveBytes)],
      ['volumes', output.count(volumes.length)],
      ['archived', output.size(archivedBytes)],
      ['last collected before', latestTarget === null ? '-' : output.hash(latestTarget)],
    ])
  })
}

function sum({ files }: StoreStats): number {
  return files.reduce((total, file) => total + file.bytes, 0)
}

/** How many there are, and whether these are all: damage may have taken records of some. */
async function count(items: AsyncIterable<unknown>): Promise<[number, boolean]> {
  let found = 0
  try {
    for await (const _ of items) found++
    return [found, true]
  } catch (error) {
    if (!VarveError.is(error, 'CORRUPT')) throw error
    return [found, false]
  }
}
