import { Readable } from 'node:stream'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { GitFailed } from './git-failed.ts'
import { type GitObjectType, gitId } from './git-id.ts'
import { LARGE_BYTES, LargeObjectDamaged, ObjectStream } from './object-stream.ts'

interface Given {
  readonly type: GitObjectType
  readonly content: Buffer
}

function printed({ type, content }: Given): Buffer {
  const id = gitId(type, content, 20)
  return Buffer.concat([Buffer.from(`${id} ${type} ${content.length}\n`), content, Buffer.from('\n')])
}

function streamOf(output: Buffer, chunkSize = 65_536): ObjectStream {
  const chunks: Buffer[] = []
  for (let at = 0; at < output.length; at += chunkSize) chunks.push(output.subarray(at, at + chunkSize))
  return new ObjectStream(Readable.from(chunks), 20)
}

async function readAll(stream: ObjectStream): Promise<string[]> {
  const found: string[] = []
  for (let batch = await stream.next(); batch !== undefined; batch = await stream.next()) {
    for (const object of batch) {
      if (object.kind === 'missing') found.push('missing')
      else if (object.kind === 'object') found.push(`${object.type} ${object.content.toString('latin1')}`)
      else {
        let size = 0
        for await (const part of object.content) size += part.length
        found.push(`large ${size}`)
      }
    }
  }
  return found
}

const arbitrary: fc.Arbitrary<Given> = fc.record({
  type: fc.constantFrom<GitObjectType>('blob', 'tree', 'commit', 'tag'),
  content: fc.uint8Array({ maxLength: 500 }).map((bytes) => Buffer.from(bytes)),
})

test('gives every object whole, wherever the pipe cuts', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(arbitrary, { maxLength: 20 }),
      fc.integer({ min: 1, max: 200 }),
      async (given, size) => {
        const output = Buffer.concat(given.map(printed))
        const expected = given.map(({ type, content }) => `${type} ${content.toString('latin1')}`)
        expect(await readAll(streamOf(output, size))).toEqual(expected)
      },
    ),
    { numRuns: 50 },
  )
})

test('trees larger than the buffer are whole, large blobs are streamed', async () => {
  const small = { type: 'blob', content: Buffer.from('x') } as const
  const tree = { type: 'tree', content: Buffer.alloc(LARGE_BYTES + 1, 7) } as const
  const blob = { type: 'blob', content: Buffer.alloc(LARGE_BYTES + 1, 9) } as const
  const edge = { type: 'blob', content: Buffer.alloc(LARGE_BYTES, 9) } as const
  const found = await readAll(streamOf(Buffer.concat([small, tree, blob, edge, blob, small].map(printed))))
  const sizes = found.map((text) => (text.startsWith('large') ? text : text.length))
  expect(sizes).toEqual([
    6,
    tree.content.length + 5,
    `large ${LARGE_BYTES + 1}`,
    LARGE_BYTES + 5,
    `large ${LARGE_BYTES + 1}`,
    6,
  ])
})

describe('what is not as it should be', () => {
  const good = printed({ type: 'blob', content: Buffer.from('good') })

  test('an object that git does not have is missing', async () => {
    const line = Buffer.from(`${'0'.repeat(40)} missing\n`)
    expect(await readAll(streamOf(Buffer.concat([good, line, good])))).toEqual([
      'blob good',
      'missing',
      'blob good',
    ])
  })

  test('an object whose bytes are not those of its id is missing', async () => {
    const bad = Buffer.from(good)
    bad[bad.length - 2]! ^= 1
    expect(await readAll(streamOf(Buffer.concat([bad, good])))).toEqual(['missing', 'blob good'])
  })

  test('a large one is told when its last byte has passed', async () => {
    const bad = printed({ type: 'blob', content: Buffer.alloc(LARGE_BYTES + 1) })
    bad[1_000_000]! ^= 1
    await expect(readAll(streamOf(bad))).rejects.toThrow(LargeObjectDamaged)
  })

  test('an end in the middle of an object is a failure of git', async () => {
    for (let end = 1; end < good.length; end++) {
      await expect(readAll(streamOf(good.subarray(0, end)))).rejects.toThrow(GitFailed)
    }
    const large = printed({ type: 'blob', content: Buffer.alloc(LARGE_BYTES + 1) })
    await expect(readAll(streamOf(large.subarray(0, -1)))).rejects.toThrow(GitFailed)
    await expect(readAll(streamOf(large.subarray(0, 2_000_000)))).rejects.toThrow(GitFailed)
  })
})
