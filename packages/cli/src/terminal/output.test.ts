import { describe, expect, test } from 'vitest'
import { Output } from './output.ts'
import { MemoryHost } from './testing/memory-host.ts'

function outputOn(o: { isTerminal?: boolean; json?: boolean }): { output: Output; host: MemoryHost } {
  const host = new MemoryHost(o)
  return { output: new Output(host, { json: o.json ?? false, color: 'never' }), host }
}

async function listed(o: { isTerminal?: boolean; json?: boolean }, count = 3): Promise<string> {
  const { output, host } = outputOn(o)
  const listing = output.listing()
  for (let n = 1; n <= count; n++) {
    const size = 10 ** n
    await listing.row({ type: 'row', n, size }, () => [
      { text: output.size(size), isRight: true },
      { text: 'y'.repeat(n) },
      { text: 'end' },
    ])
  }
  await listing.end()
  return host.stdout.text
}

describe('a listing', () => {
  test('is aligned on a terminal', async () => {
    expect(await listed({ isTerminal: true })).toBe('  10 B  y    end\n 100 B  yy   end\n1000 B  yyy  end\n')
  })

  test('has tabs in a pipe, and exact sizes', async () => {
    expect(await listed({})).toBe('10\ty\tend\n100\tyy\tend\n1000\tyyy\tend\n')
  })

  test('is a line of JSON for each row', async () => {
    const lines = (await listed({ json: true, isTerminal: true })).trim().split('\n')
    expect(lines.map((line) => JSON.parse(line))).toEqual(
      [1, 2, 3].map((n) => ({ type: 'row', n, size: 10 ** n })),
    )
  })

  test('flows: what is aligned is bounded', async () => {
    const { output, host } = outputOn({ isTerminal: true })
    const listing = output.listing()
    for (let n = 0; n < 2_000; n++) await listing.row({}, () => [{ text: `${n}` }, { text: 'x'.repeat(20) }])
    expect(host.stdout.text.length).toBeGreaterThan(20_000)
  })
})

test('bytes come after the text that was written before them', async () => {
  const { output, host } = outputOn({})
  await output.line('before')
  await output.bytes(Buffer.from([0xff, 0x00]))
  expect(host.stdout.text).toBe('before\n\u00ff\u0000')
})

test('facts are names and values', async () => {
  const onTerminal = outputOn({ isTerminal: true })
  const rows = [
    ['a', '1'],
    ['long', '2'],
  ] as const
  await onTerminal.output.facts({ type: 'x' }, rows)
  expect(onTerminal.host.stdout.text).toBe('a     1\nlong  2\n')
  const inPipe = outputOn({})
  await inPipe.output.facts({ type: 'x' }, rows)
  expect(inPipe.host.stdout.text).toBe('a\t1\nlong\t2\n')
})

test('for eyes hashes are short, dates local, and numbers grouped', () => {
  const eyes = outputOn({ isTerminal: true }).output
  const exact = outputOn({}).output
  const date = new Date(0)
  expect([eyes.hash('0123456789abcdef'), exact.hash('0123456789abcdef')]).toEqual([
    '0123456789ab',
    '0123456789abcdef',
  ])
  expect(exact.date(date)).toBe('1970-01-01T00:00:00.000Z')
  expect(eyes.date(date)).toMatch(/^\d{1,2} (Dec 1969|Jan 1970) \d\d:\d\d$/)
  expect([eyes.count(1_234_567), exact.count(1_234_567)]).toEqual(['1,234,567', '1234567'])
})
