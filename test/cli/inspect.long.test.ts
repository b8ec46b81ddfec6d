/** Every byte of the smaller files of the frozen store, damaged one after the other. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { varve } from '../support/command-line.ts'
import { frozenStore } from '../support/stored-files.ts'

let folder = ''

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'varve-every-byte-'))
})

afterAll(() => rmSync(folder, { recursive: true, force: true }))

test.each(['control', 'gen-3.idx', 'gen-3.map', 'meta-2.ckpt', 'suffix-259.idx', 'suffix-259.pack'])(
  'a byte of %s',
  async (name) => {
    const bytes = readFileSync(join(frozenStore, name))
    const path = join(folder, name)
    const copy = join(folder, 'copy')
    for (let at = 0; at < bytes.length; at++) {
      const harmed = Buffer.from(bytes)
      harmed[at]! ^= 1 << (at % 8)
      writeFileSync(path, harmed)
      const { exit, stdout, stdoutBytes } = await varve(['inspect', path, '--json'], { folder })
      const isUnseen = /"type":"gap"[^\n]*"raw"|"padding"/.test(stdout)
      expect(exit, `byte ${at}`).toBe(isUnseen ? 0 : 3)
      const built = await varve(['inspect', '-', '--rebuild', copy], { folder, input: stdoutBytes })
      expect(built, `byte ${at}`).toMatchObject({ exit: 0, stderr: '' })
      expect(readFileSync(copy).equals(harmed), `byte ${at}`).toBe(true)
      rmSync(copy)
    }
  },
)
