/** Index files that are damaged anywhere: built anew at the next opening, with nothing lost. */
import type { MemoryFileSystem } from '@varve/pack/testing'
import { describe, expect, test } from 'vitest'
import { type TempStore, withStore } from '../support/temp-store.ts'

const blobCount = 700

describe.each(['sealed', 'collected'] as const)('the index of a file that is %s', (state) => {
  test('is built anew, wherever it is damaged', () =>
    withStore({}, async (temp) => {
      const texts = Array.from({ length: blobCount }, (_, at) => `text ${at}`)
      const head = await temp.store.branch('main').commit((edit) => {
        for (const text of texts) edit.set(text, text)
      })
      if (state === 'sealed') await temp.store.advanced.split()
      else await temp.store.gc.run()
      await temp.close()
      const path = await indexPath(temp, state === 'sealed' ? /^suffix-\d+\.idx$/ : /^gen-\d+\.idx$/)
      const disk = temp.disk as MemoryFileSystem
      const whole = await disk.readFile(path)
      // Behind the header's fields its page is empty, and says nothing.
      for (let at = 100; at < whole.length; at += at < 4_096 ? 4_000 : 1_999) {
        await overwrite(disk, path, at, (whole[at] as number) ^ 16)
        await temp.open()
        expect((await temp.store.getCommit(head.hash))?.treeHash).toBe(head.treeHash)
        for (const text of [texts[at % blobCount], 'new'].map(String)) await temp.store.putBlob(text)
        await temp.close()
        expect(Buffer.compare(await disk.readFile(path), whole), `byte ${at}`).toBe(0)
      }
      const told = temp.events.filter(({ type }) => type === 'index-rebuilt')
      expect(new Set(told.map((event) => 'file' in event && `${temp.folder}/${event.file}`))).toEqual(
        new Set([path]),
      )
      temp.events.length = 0
    }))
})

async function indexPath(temp: TempStore, name: RegExp): Promise<string> {
  const found = (await temp.disk.list(temp.folder)).find((file) => name.test(file))
  return `${temp.folder}/${found}`
}

async function overwrite(disk: MemoryFileSystem, path: string, at: number, byte: number): Promise<void> {
  const handle = await disk.open(path, 'write')
  handle.writeSync(Buffer.from([byte]), 0, 1, at)
  await handle.datasync()
  await handle.close()
}
