/**
 * V8 compiles accesses to typed arrays on the assumption that no buffer of the thread was ever detached. The
 * first one that is (memory of WebAssembly that grows, a transfer to another thread) makes it throw away all
 * such code, in the program around the library too, and what it compiles afterwards is slower for good.
 */
import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'

const program = fileURLToPath(new URL('../dist/whole-life.js', import.meta.url))
const sign = 'ArrayBufferDetaching'

/** What a program prints, and V8 each time one of its assumptions turns out to be wrong. */
async function traced(...args: string[]): Promise<string> {
  const { stdout } = await promisify(execFile)(process.execPath, ['--trace-protector-invalidation', ...args])
  return stdout
}

test('no thread of a store detaches a buffer', async () => {
  expect(await traced('-e', 'structuredClone(0, { transfer: [new ArrayBuffer(8)] })')).toContain(sign)
  const folder = await mkdtemp(join(tmpdir(), 'varve-life-'))
  try {
    const said = await traced(program, join(folder, 'store'))
    expect(said).toContain(`${900 * 1024} bytes`)
    expect(said).not.toContain(sign)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
})
