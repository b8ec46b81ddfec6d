/** File numbers come from one counter and are never given out twice, whatever became of their files. */
import type { FileSystem } from '@varve/pack/fs'
import { type Operation, traceFileSystem } from '@varve/pack/testing'
import { expect, test } from 'vitest'
import { settled } from '../support/stepper.ts'
import { type TempStore, withStore } from '../support/temp-store.ts'

test.each(['with something to seal', 'with nothing to seal'])('of a cancelled collection, %s', (how) => {
  const made: string[] = []
  const note = ({ kind, path }: Operation): void => {
    if (kind === 'create' && /\/(suffix|gen|meta|spill)-\d+/.test(path)) made.push(path)
  }
  return withStore({ wrap: (inner: FileSystem) => traceFileSystem(inner, note) }, async (temp) => {
    await temp.store.branch('main').commit((edit) => void edit.set('a', 'text'))
    for (let round = 0; round < 3; round++) {
      if (how === 'with something to seal') await commitTo(temp, round)
      else await temp.store.advanced.split()
      await cancelSwept(temp)
      await temp.reopen()
    }
    await temp.store.gc.run()
    expect([...made].sort()).toEqual([...new Set(made)].sort())
    expect(made.filter((path) => path.endsWith('.ckpt'))).toHaveLength(4)
  })
})

async function commitTo(temp: TempStore, round: number): Promise<void> {
  await temp.store.branch('main').commit((edit) => void edit.set('a', `text ${round}`))
}

async function cancelSwept(temp: TempStore): Promise<void> {
  expect(await temp.store.startGc()).toBe(true)
  while (temp.store.gc.status.state === 'running') await settled()
  expect(await temp.store.gc.cancel()).toBe(true)
}
