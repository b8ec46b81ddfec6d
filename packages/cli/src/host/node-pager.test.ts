import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { startNodePager } from './node-pager.ts'

const node = `'${process.execPath}'`

test('gets all that is written, and tells its exit code', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'varve-pager-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  const seen = join(folder, 'seen')
  const program = `process.stdin.pipe(fs.createWriteStream('${seen}')); process.exitCode = 5`
  const pager = await startNodePager({ line: `${node} -e "${program}"` }, 80)
  const line = 'x'.repeat(99_999)
  for (let n = 0; n < 200; n++) await pager?.output.write(`${line}\n`)
  expect(await pager?.end()).toBe(5)
  expect(readFileSync(seen, 'utf8')).toBe(`${line}\n`.repeat(200))
})

test('that ends early takes the rest without a word', async () => {
  const pager = await startNodePager({ line: process.execPath, args: ['-e', ''] }, 80)
  while (pager?.gone.aborted === false) await pager.output.write('x'.repeat(100_000))
  await pager?.output.write('more')
  expect(await pager?.end()).toBe(0)
})

test('is undefined when there is no such program; a shell says so by its exit code', async () => {
  expect(await startNodePager({ line: 'varve-no-such-pager', args: [] }, 80)).toBeUndefined()
  const pager = await startNodePager({ line: 'exit 127' }, 80)
  expect(await pager?.end()).toBe(127)
})
