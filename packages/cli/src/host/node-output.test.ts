import { Writable } from 'node:stream'
import { describe, expect, test } from 'vitest'
import { nodeOutput, silentOutput } from './node-output.ts'

function failing(code: string): Writable {
  return new Writable({
    write: (_chunk, _encoding, done) => done(Object.assign(new Error(`write ${code}`), { code })),
  })
}

/** As Node's own stream for files does it up to version 20. */
function throwing(code: string): Writable {
  return new Writable({
    write: () => {
      throw Object.assign(new Error(`write ${code}`), { code })
    },
  })
}

describe('an output', () => {
  test('writes text and bytes in order', async () => {
    const parts: Buffer[] = []
    const stream = new Writable({
      write: (chunk, _encoding, done) => {
        parts.push(chunk)
        done()
      },
    })
    const output = nodeOutput(stream)
    await output.write('text ')
    await output.write('')
    await output.write(Buffer.from('bytes'))
    expect(Buffer.concat(parts).toString()).toBe('text bytes')
    expect(output).toMatchObject({ isTerminal: false, columns: 80 })
  })

  test.each([failing, throwing])('that fails says so, and goes on saying it: %o', async (make) => {
    const output = nodeOutput(make('ENOSPC'))
    await expect(output.write('x')).rejects.toMatchObject({ code: 'ENOSPC' })
    await expect(output.write('y')).rejects.toMatchObject({ code: 'ENOSPC' })
  })

  test('that fails between two writes fails the next', async () => {
    const stream = new Writable({ write: (_chunk, _encoding, done) => done() })
    const output = nodeOutput(stream)
    await output.write('x')
    const closed = new Promise((resolve) => stream.once('close', resolve))
    stream.destroy(Object.assign(new Error('write EIO'), { code: 'EIO' }))
    await closed
    await expect(output.write('y')).rejects.toMatchObject({ code: 'EIO' })
  })

  test('whose reader has gone takes the rest without a word', async () => {
    const output = nodeOutput(failing('EPIPE'))
    await output.write('x')
    await output.write('y')
  })
})

test('an output for messages never fails: there would be nowhere to say it', async () => {
  const output = silentOutput(nodeOutput(failing('ENOSPC')))
  await output.write('x')
  await output.write('y')
  expect(output).toMatchObject({ isTerminal: false, columns: 80 })
})
