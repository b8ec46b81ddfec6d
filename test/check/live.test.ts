/** Checks of stores in use, with the real thread on a real disk. */
import { type CheckReport, type Progress, VarveError } from '@varve/store'
import { checkFolder } from '@varve/store/internal'
import { afterEach, describe, expect, test } from 'vitest'
import { type Place, places, TempStore } from '../support/temp-store.ts'

let temp: TempStore | undefined
afterEach(async () => {
  await temp?.remove()
  temp = undefined
})

async function filled(place: Place, commits = 20): Promise<TempStore> {
  temp = await TempStore.create({ place })
  for (let at = 0; at < commits; at++) await commit(temp, at)
  return temp
}

async function commit({ store }: TempStore, at: number): Promise<void> {
  await store.branch('main').commit((edit) => {
    for (let i = 0; i < 30; i++) edit.set(`d${i % 5}/f${(at * 7 + i) % 90}`, `${at} ${i}`)
  })
}

describe.each(places)('in %s', (place) => {
  test('beside commits and collections a check finds nothing', async () => {
    const { store } = await filled(place)
    const reports: CheckReport[] = []
    let isOver = false
    const checks = (async () => {
      try {
        while (!isOver) reports.push(await store.check({ full: reports.length % 2 === 1 }))
      } finally {
        isOver = true
      }
    })()
    // However fast the checks are, three of them end beside commits and four collections.
    for (let at = 20; !isOver && (at < 60 || reports.length < 3); at++) {
      await commit(temp as TempStore, at)
      if (at % 10 === 5) {
        const head = await store.branch('main').head()
        await store.gc.run(at % 20 === 5 ? head : undefined, { grace: 0 })
      }
    }
    isOver = true
    await checks
    expect(reports.flatMap(({ findings }) => findings)).toEqual([])
  })

  test('the files that a check began with stay until it is over', async () => {
    const { store, disk, folder } = await filled(place)
    const before = await disk.list(folder)
    let collected: Promise<unknown> | undefined
    const report = await store.check({
      full: true,
      onProgress: () => {
        collected ??= (async () => store.gc.run(await store.branch('main').head(), { grace: 0 }))()
      },
    })
    await collected
    await store.gc.run(await store.branch('main').head(), { grace: 0 })
    expect(report.findings).toEqual([])
    expect((await disk.list(folder)).filter((name) => /suffix/.test(name) && before.includes(name))).toEqual(
      [],
    )
  })

  test('an aborted check rejects, and another one goes on', async () => {
    const { store } = await filled(place)
    const controller = new AbortController()
    const checking = store.check({ signal: controller.signal })
    controller.abort(new Error('enough'))
    await expect(checking).rejects.toMatchObject({ code: 'ABORTED', cause: { message: 'enough' } })
    await expect(store.check({ signal: controller.signal })).rejects.toMatchObject({ code: 'ABORTED' })
    expect((await store.check()).ok).toBe(true)
  })

  test('a store that is closed ends its checks', async () => {
    const { store } = await filled(place)
    const checking = store.check({ full: true }).catch((error: unknown) => error)
    await (temp as TempStore).close()
    const outcome = await checking
    if (VarveError.is(outcome)) expect(outcome.code).toBe('STORE_CLOSED')
    else expect(outcome, 'it was over before').toMatchObject({ ok: true })
    await expect(store.check()).rejects.toMatchObject({ code: 'STORE_CLOSED' })
  })
})

test('options are looked at', async () => {
  const { store } = await filled('memory', 1)
  for (const sample of [0, 2, -1, Number.NaN, '2%'] as number[]) {
    await expect(store.check({ sample })).rejects.toMatchObject({
      code: 'OPTION_MISMATCH',
      details: { option: 'sample' },
    })
  }
})

test('a folder that another opening writes to is checked as it lies there, and without a lock', async () => {
  const { store, folder } = await filled('disk')
  const head = await store.branch('main').head()
  const checks = Promise.all([checkFolder(folder, { full: true }), checkFolder(folder)])
  for (let at = 20; at < 30; at++) await commit(temp as TempStore, at)
  await store.gc.run(head, { grace: 0 })
  for (const { findings } of await checks) expect(findings).toEqual([])
  expect((await checkFolder(folder)).ok).toBe(true)
})

test('progress goes up, phase by phase', async () => {
  const { store } = await filled('memory', 60)
  const seen: Progress[] = []
  await store.check({ full: true, onProgress: (progress) => seen.push(progress) })
  expect([...new Set(seen.map(({ phase }) => phase))]).toEqual(['files', 'references', 'content'])
  for (const { done, total } of seen) expect(done).toBeLessThanOrEqual(total as number)
})
