import { PassThrough } from 'node:stream'
import { describe, expect, test } from 'vitest'
import { nodeInput } from './node-input.ts'

function silent(): { stream: PassThrough; interrupted: AbortController } {
  return { stream: new PassThrough(), interrupted: new AbortController() }
}

describe('reading', () => {
  test('gives all parts to the end', async () => {
    const { stream, interrupted } = silent()
    stream.write('one ')
    stream.end('two')
    const parts: Uint8Array[] = []
    for await (const part of nodeInput(stream, interrupted.signal).read()) parts.push(part)
    expect(Buffer.concat(parts).toString()).toBe('one two')
  })

  test('fails when it is interrupted, and lets the stream go', async () => {
    const { stream, interrupted } = silent()
    const parts = nodeInput(stream, interrupted.signal).read()[Symbol.asyncIterator]()
    stream.write('one')
    expect((await parts.next()).done).toBe(false)
    const next = parts.next()
    interrupted.abort()
    await expect(next).rejects.toMatchObject({ code: 'ABORTED' })
    expect(stream.destroyed).toBe(true)
  })

  test('does not begin after an interruption', async () => {
    const { stream, interrupted } = silent()
    interrupted.abort()
    stream.end('typed before')
    const parts = nodeInput(stream, interrupted.signal).read()[Symbol.asyncIterator]()
    await expect(parts.next()).rejects.toMatchObject({ code: 'ABORTED' })
  })

  test('fails as the stream does', async () => {
    const { stream, interrupted } = silent()
    const next = nodeInput(stream, interrupted.signal).read()[Symbol.asyncIterator]().next()
    stream.destroy(Object.assign(new Error('read EIO'), { code: 'EIO' }))
    await expect(next).rejects.toMatchObject({ code: 'EIO' })
  })
})

describe('a line', () => {
  test('comes without its end; there is none at the end of the input', async () => {
    const { stream, interrupted } = silent()
    const input = nodeInput(stream, interrupted.signal)
    stream.write('yes\r\n')
    expect(await input.readLine()).toBe('yes')
    const nothing = new PassThrough()
    nothing.end()
    expect(await nodeInput(nothing, interrupted.signal).readLine()).toBeUndefined()
  })

  test('is not waited for after an interruption', async () => {
    const { stream, interrupted } = silent()
    const line = nodeInput(stream, interrupted.signal).readLine()
    interrupted.abort()
    await expect(line).rejects.toMatchObject({ code: 'ABORTED' })
    stream.write('y\n')
    await expect(nodeInput(stream, interrupted.signal).readLine()).rejects.toMatchObject({ code: 'ABORTED' })
  })
})
