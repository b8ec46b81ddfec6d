import { NodeFileSystem } from '@varve/pack/fs'
import { fileName } from '@varve/pack/layout'
import type { VolumeStats } from '@varve/store'
import type { Listing } from '../../terminal/index.ts'
import {
  type CommandContext,
  openForReading,
  openForWriting,
  storeFolder,
  userPath,
} from '../context/index.ts'
import { type CheckDepth, showReport } from '../store/check.ts'

/** The volumes of the store, or, of the folder of one, what it holds. */
export async function volumeLs(context: CommandContext, folder: string | undefined): Promise<void> {
  if (folder !== undefined) return listFolder(context, userPath(context, folder))
  await openForReading(context, async (store) => {
    const listing = context.output.listing()
    for (const volume of store.stats().volumes) await listVolume(context, listing, volume)
    await listing.end()
  })
}

/** Begins the next volume; with a folder, gives the store a lower layer, or says where it is now. */
export async function volumeAdd(context: CommandContext, lower: string | undefined): Promise<void> {
  const path = lower === undefined ? undefined : userPath(context, lower)
  await openForWriting(
    context,
    async (store) => {
      // A store that gets a lower layer has its first volume by now.
      if (path === undefined) await store.advanced.addVolume()
      const { volumes } = store.stats()
      const { id = 0 } = volumes.at(-1) ?? {}
      await context.output.document({ type: 'volume-added', id, volumes: volumes.length }, () => [
        context.output.isForEyes ? `The next archive goes into ${fileName.volume(id)}` : fileName.volume(id),
      ])
    },
    // A wrong place would be remembered, and all archived content be away.
    path === undefined ? {} : { lower: { path, missing: 'refuse' } },
  )
}

/** One folder alone, or every volume of the store with what leads into it. */
export async function volumeVerify(
  context: CommandContext,
  folder: string | undefined,
  depth: CheckDepth,
): Promise<number> {
  const { checkFolder, checkVolume } = await import('@varve/store/internal')
  if (folder !== undefined) {
    const path = userPath(context, folder)
    return showReport(context, (o) => checkVolume(path, { ...depth, ...o }))
  }
  return showReport(context, (o) => checkFolder(storeFolder(context), { ...depth, ...o }))
}

async function listVolume({ output }: CommandContext, listing: Listing, volume: VolumeStats): Promise<void> {
  const { id, low, high, bytes } = volume
  const name = fileName.volume(id)
  await listing.row({ type: 'volume', id, name, low, high, bytes }, () => [
    { text: name },
    { text: `${low}`, isRight: true },
    { text: `${high}`, isRight: true },
    { text: output.size(bytes), isRight: true },
  ])
}

async function listFolder({ output }: CommandContext, path: string): Promise<void> {
  const { readVolume } = await import('@varve/store/internal')
  const manifest = await readVolume(path)
  const fs = new NodeFileSystem()
  const listing = output.listing()
  const files = [
    ...manifest.chunks.map(({ number, base, length }) => ({
      ...{ name: fileName.chunk(number), low: base, high: base + length, bytes: length },
    })),
    ...manifest.segments.map(({ number, low, high, bytes }) => ({
      ...{ name: fileName.segment(number), low, high, bytes },
    })),
  ]
  for (const file of files) {
    const isThere = (await fs.stat(`${path}/${file.name}`)) !== undefined
    await listing.row({ type: 'volume-file', ...file, isThere }, () => [
      { text: file.name },
      { text: `${file.low}`, isRight: true },
      { text: `${file.high}`, isRight: true },
      { text: output.size(file.bytes), isRight: true },
      { text: isThere ? '' : 'missing' },
    ])
  }
  await listing.end()
}
