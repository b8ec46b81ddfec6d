import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { bundled, taken } from '../support/bundled.ts'
import { SecondStore } from '../support/second-store.ts'
import { withStore } from '../support/temp-store.ts'

/** The bytes that docs/bundle.md shows. */
function shown(): Buffer {
  const page = readFileSync(new URL('../../docs/bundle.md', import.meta.url), 'utf8')
  const lines = (page.split('```text bundle\n')[1]?.split('```')[0] ?? '').trimEnd().split('\n')
  expect(lines.map((line) => parseInt(line.slice(0, 4), 16))).toEqual(lines.map((_, index) => index * 16))
  return Buffer.from(lines.map((line) => line.slice(6, 54).replaceAll(' ', '')).join(''), 'hex')
}

test('docs/bundle.md shows the very bytes that are written, and that are taken in', () =>
  withStore({}, async (temp) => {
    const main = temp.store.branch('main')
    const commit = await main.commit((edit) => void edit.set('a', 'hello\n'), {
      ...{ message: 'one', author: 'Ada', date: 0 },
    })
    expect((await bundled(temp.store)).bytes.toString('hex')).toBe(shown().toString('hex'))
    const other = new SecondStore(temp)
    await other.open({ create: 'must' })
    await taken(other.store, shown())
    expect((await other.store.branch('main').head())?.hash).toBe(commit.hash)
    await other.check()
  }))
