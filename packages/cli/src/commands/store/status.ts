import type { StoreStats } from '@varve/store'
import { type CommandContext, openForReading } from '../context/index.ts'

export async function status(context: CommandContext): Promise<void> {
  const { output } = context
  await openForReading(context, async (store) => {
    const stats = store.stats()
    const branches = await count(store.branches())
    const tags = await count(store.tags())
    const bytes = sum(stats)
    const latestTarget = store.gc.latestTarget() ?? null
    const { path, id } = store
    const { files, objects, volumes } = stats
    const liveBytes = files.reduce((total, file) => total + file.liveBytes, 0)
    const archivedBytes = volumes.reduce((total, volume) => total + volume.bytes, 0)
    const json = {
      ...{ type: 'status', path, id, branches, tags, objects, bytes, liveBytes, files },
      ...{ volumes, archivedBytes, latestTarget },
    }
    await output.facts(json, [
      ['path', path],
      ['id', id],
      ['branches', output.count(branches)],
      ['tags', output.count(tags)],
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

async function count(items: AsyncIterable<unknown>): Promise<number> {
  let found = 0
  for await (const _ of items) found++
  return found
}
