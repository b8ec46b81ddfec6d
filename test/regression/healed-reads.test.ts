/**
 * Reads for which a whole copy stands in: the program is told of each object once, however often it reads.
 */
import type { MemoryFileSystem } from '@varve/pack/testing'
import type { StoreEvent } from '@varve/store'
import { expect, test } from 'vitest'
import { emptyDisk, memoryFolder, openMemory } from '../support/memory-store.ts'

const texts = ['the first text', 'another text'] as const

test('a damaged object that has a copy is told once in each opening', async () => {
  const disk = await emptyDisk()
  const first = await openMemory(disk)
  await first.branch('main').commit((edit) => void edit.set('a', texts[0]).set('b', texts[1]))
  await first.advanced.split()
  await first.close()
  await damage(disk)
  for (const opening of ['with new copies', 'again']) {
    const events: StoreEvent[] = []
    const store = await openMemory(disk, { events })
    const hashes = await Promise.all(texts.map((text) => store.putBlob(text)))
    for (let read = 0; read < 5; read++) {
      for (const [at, name] of ['a', 'b'].entries()) {
        expect(Buffer.from((await store.branch('main').get(name)) ?? []).toString()).toBe(texts[at])
      }
    }
    const healed = events.flatMap((event) => (event.type === 'healed' ? [event.hash] : []))
    expect(healed.sort(), opening).toEqual(hashes.sort())
    await store.close()
  }
})

/** Flips a bit in each of the texts. */
async function damage(disk: MemoryFileSystem): Promise<void> {
  for (const name of await disk.list(memoryFolder)) {
    if (!name.endsWith('.pack')) continue
    disk.damage(`${memoryFolder}/${name}`, (bytes) => {
      for (const text of texts) {
        const at = bytes.indexOf(text)
        if (at >= 0) bytes[at] = (bytes[at] as number) ^ 1
      }
      return bytes
    })
  }
}
