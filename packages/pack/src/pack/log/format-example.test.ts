import { fileURLToPath } from 'node:url'
import { beforeAll, describe, expect, it } from 'vitest'
import { loadXxh64 } from '../../base/index.ts'
import { NodeFileSystem } from '../../fs/index.ts'
import { magic } from '../../layout/index.ts'
import { MemoryFileSystem } from '../../testing/index.ts'
import { bodyBytesMax } from '../frame/index.ts'
import { LogStore, logFolder } from './testing/log-store.ts'

beforeAll(loadXxh64)

const page = fileURLToPath(new URL('../../../../../docs/format.md', import.meta.url))

/** The bytes of the dump that the page shows for the file. */
function dumpOf(text: string, file: string): Buffer {
  const block = text.split(`\`\`\`text ${file}\n`)[1]?.split('```')[0] ?? ''
  const lines = block.trimEnd().split('\n')
  expect(lines.map((line) => parseInt(line.slice(0, 4), 16))).toEqual(lines.map((_, index) => index * 16))
  return Buffer.from(lines.map((line) => line.slice(6, 54).replaceAll(' ', '')).join(''), 'hex')
}

describe('docs/format.md', () => {
  it('shows the very bytes that are written', async () => {
    const text = (await new NodeFileSystem().readFile(page)).toString('utf8')
    const fs = new MemoryFileSystem()
    const store = await LogStore.create(fs)
    expect(store.put(Buffer.from('hello\n'))).toBe(120)
    await store.close()
    const chunk = fs.files().get(`${logFolder}/suffix-1.pack`) as Buffer
    expect(dumpOf(text, 'suffix-1.pack').toString('hex')).toBe(chunk.toString('hex'))
    const control = fs.files().get(`${logFolder}/control`) as Buffer
    const copy = dumpOf(text, 'control')
    expect(control).toEqual(Buffer.concat([copy, Buffer.alloc(4096 - copy.length), copy]))
  })

  it('names every magic, and the bound of a body', async () => {
    const text = (await new NodeFileSystem().readFile(page)).toString('utf8')
    for (const one of Object.values(magic)) expect(text).toContain(`\`${one}\``)
    expect(text).toContain(bodyBytesMax.toLocaleString('en-US'))
  })

  it('describes a store that is found again', async () => {
    const text = (await new NodeFileSystem().readFile(page)).toString('utf8')
    const fs = new MemoryFileSystem()
    await fs.mkdir(logFolder)
    for (const file of ['suffix-1.pack', 'control']) {
      const handle = await fs.open(`${logFolder}/${file}`, 'create')
      const bytes = dumpOf(text, file)
      handle.writeSync(bytes, 0, bytes.length, 0)
      await handle.close()
    }
    const store = await LogStore.open(fs)
    expect(store.found.map(({ body }) => body.toString())).toEqual(['hello\n'])
    expect(store.recovered).toMatchObject({ isClosed: true, bytesCut: 0, damageCount: 0 })
    await store.close()
  })
})
