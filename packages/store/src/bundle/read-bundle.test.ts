/** Bundles that are damaged, cut off, or made by somebody who means harm. */

import { loadXxh64 } from '@varve/pack/base'
import { VarveError } from '@varve/pack/errors'
import {
  ContentHasher,
  decodeCommit,
  encodeCommit,
  entryMode,
  hashCanonical,
  type RawHash,
  type RecordKind,
  recordKind,
  sha256,
  TreeWriter,
  treeDomain,
  treeShape,
  writeHash,
} from '@varve/pack/objects'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  type BundleHeader,
  encodeHeader,
  encodeObjectHeader,
  encodeTrailer,
  trailerKind,
} from './bundle-format.ts'
import type { BundleSink } from './bundle-sink.ts'
import { factsOf } from './prove-object.ts'
import { readBundle } from './read-bundle.ts'

interface Made {
  readonly kind: RecordKind
  readonly hash: RawHash
  readonly canonical: Buffer
}

/** Takes objects in, as a store does. */
class MemorySink implements BundleSink {
  readonly objects = new Map<string, { kind: RecordKind; body: Buffer; count: number; place: number }>()
  readonly #byPlace = new Map<number, { body: Buffer; count: number }>()

  async begin(): Promise<void> {}

  async ready(): Promise<void> {}

  put({ kind, hash, body, referenceCount: count }: Parameters<BundleSink['put']>[0]): number {
    const place = 64 + 8 * this.objects.size
    this.objects.set(`${kind} ${hash}`, { kind, body: Buffer.from(body), count, place })
    this.#byPlace.set(place, { body: Buffer.from(body), count })
    return place
  }

  find(kind: number, hash: RawHash): ReturnType<BundleSink['find']> {
    for (const [key, { kind: of, body, count, place }] of this.objects) {
      if (!key.endsWith(` ${hash}`) || (of === 5 ? 1 : of) !== kind) continue
      return { ...factsOf(of, { buf: body, start: 0, end: body.length, referenceCount: count }), place }
    }
    return undefined
  }

  read(_kind: number, _hash: RawHash, place: number): ReturnType<BundleSink['read']> {
    const { body, count } = this.#byPlace.get(place)!
    return { buf: body, start: 0, end: body.length, referenceCount: count }
  }
}

const noParts = { hash: '', offset: 8 }

function blob(content: string | Buffer): Made {
  const canonical = Buffer.from(content as string)
  return { kind: recordKind.blob, hash: sha256(canonical, 0, canonical.length), canonical }
}

/** The nodes of a directory, children first, as the writer makes them. */
function nodesOf(entries: readonly { name: string; hash: RawHash; size: number }[]): Made[] {
  const made: Made[] = []
  const writer = new TreeWriter(
    {
      node: () => {
        throw new Error('no base')
      },
      nodeAt: () => {
        throw new Error('no base')
      },
    },
    {
      putNode: (hash, body, start, end, count) => {
        made.push({
          kind: recordKind.node,
          hash,
          canonical: Buffer.from(body.subarray(start, end - 8 * count)),
        })
        return { hash, offset: 8 * made.length }
      },
      putBlob: () => {
        throw new Error('no blob')
      },
    },
    treeShape,
  )
  writer.apply(
    undefined,
    entries.map(({ name, hash, size }) => ({
      name,
      target: { ...noParts, mode: entryMode.file, hash, size, count: 0 },
    })),
  )
  return made
}

function commitOf(tree: RawHash, parents: readonly RawHash[] = [], message = 'm'): Made {
  const fields = { tree: { hash: tree, offset: 8 }, parents, author: 'a', date: 0, message, extra: {} }
  const { hash, body } = encodeCommit(fields)
  return { kind: recordKind.commit, hash, canonical: Buffer.from(body.subarray(0, body.length - 8)) }
}

/** A bundle of these objects as they are, with everything around them right. */
function bundleOf(objects: readonly Made[], header?: Partial<BundleHeader>): Buffer {
  const tip = objects.findLast(({ kind }) => kind === recordKind.commit)?.hash ?? 'x'.repeat(32)
  const tips = [{ ref: 'heads/main', commit: tip, annotation: undefined }]
  const parts = [encodeHeader({ prerequisites: [], tips, ...header })]
  for (const [i, { kind, hash, canonical }] of objects.entries()) {
    parts.push(encodeObjectHeader(i + 1, { kind, hash: Buffer.from(hash, 'latin1'), canonical }), canonical)
  }
  const before = Buffer.concat(parts)
  const trailer = encodeTrailer(objects.length, before.length)
  const sum = Buffer.from(new ContentHasher().update(before).digest(), 'latin1')
  const frame = encodeObjectHeader(objects.length + 1, { kind: trailerKind, hash: sum, canonical: trailer })
  return Buffer.concat([before, frame, trailer])
}

async function read(bytes: Buffer, sink: BundleSink = new MemorySink()): Promise<unknown> {
  const o = { name: 'b', signal: undefined, onProgress: () => {} }
  const pieces = (async function* () {
    for (let at = 0; at < bytes.length; at += 100) yield bytes.subarray(at, at + 100)
  })()
  try {
    return await readBundle(pieces, sink, o)
  } catch (error) {
    if (!VarveError.is(error)) throw error
    return error.code
  }
}

const x = blob('x')
const entries = Array.from({ length: 40 }, (_, n) => ({
  name: `n${String(n).padStart(3, '0')}`,
  hash: x.hash,
  size: 1,
}))

async function sample(): Promise<Made[]> {
  await loadXxh64()
  const nodes = nodesOf(entries)
  return [x, ...nodes, commitOf(nodes.at(-1)!.hash)]
}

/** The same node with other bytes, under the hash that they have. */
function forged(node: Made, change: (canonical: Buffer) => void): Made {
  const canonical = Buffer.from(node.canonical)
  change(canonical)
  return { kind: node.kind, canonical, hash: hashCanonical(treeDomain, canonical) }
}

describe('a bundle', () => {
  test('that is whole is taken', async () => {
    const objects = await sample()
    expect(objects.length).toBeGreaterThan(4)
    expect(await read(bundleOf(objects))).toMatchObject({ objects: objects.length, commits: 1 })
  })

  test('with any byte changed is refused', async () => {
    const whole = bundleOf(await sample())
    for (let at = 0; at < whole.length; at++) {
      const bytes = Buffer.from(whole)
      bytes[at]! ^= 1 << (at % 8)
      expect(await read(bytes), `byte ${at}`).toMatch(/^(CORRUPT|NEWER_FORMAT)$/)
    }
  })

  test('cut off anywhere, or with more behind it, is refused', async () => {
    const whole = bundleOf(await sample())
    for (let at = 0; at < whole.length; at++)
      expect(await read(whole.subarray(0, at)), `${at}`).toBe('CORRUPT')
    expect(await read(Buffer.concat([whole, Buffer.alloc(1)]))).toBe('CORRUPT')
    expect(await read(Buffer.concat([whole, whole]))).toBe('CORRUPT')
  })

  test('of any bytes at all is refused, and takes no more memory than came', async () => {
    await loadXxh64()
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 600 }), async (bytes) => {
        expect(await read(Buffer.from(bytes))).toBe('CORRUPT')
      }),
    )
  })

  test('whose lengths promise what never comes is refused before it is waited for', async () => {
    const whole = bundleOf(await sample())
    const header =
      whole.length -
      bundleOf(await sample()).subarray(encodeHeader({ prerequisites: [], tips: [] }).length).length
    expect(header).toBeGreaterThan(0)
    const objectAt = encodeHeader({
      prerequisites: [],
      tips: [{ ref: 'heads/main', commit: 'x'.repeat(32), annotation: undefined }],
    }).length
    for (const length of [0xffff_ffff, 300_000]) {
      const bytes = Buffer.from(whole)
      bytes.writeUInt32LE(length, objectAt + 12)
      expect(await read(bytes)).toBe('CORRUPT')
    }
  })

  test('of a newer version is told apart from damage', async () => {
    const objects = await sample()
    const { xxh64 } = await import('@varve/pack/base')
    const bytes = bundleOf(objects)
    bytes.writeUInt32LE(2, 8)
    bytes.writeBigUInt64LE(xxh64(bytes, 0, 32, 0), 32)
    expect(await read(bytes)).toBe('NEWER_FORMAT')
  })
})

describe('objects that are whole by themselves are refused', () => {
  test('in a wrong order, twice, or without what they refer to', async () => {
    const objects = await sample()
    for (let at = 1; at < objects.length; at++) {
      const swapped = [...objects]
      ;[swapped[at - 1], swapped[at]] = [swapped[at]!, swapped[at - 1]!]
      const order = await read(
        bundleOf(swapped, {
          tips: [{ ref: 'heads/main', commit: objects.at(-1)!.hash, annotation: undefined }],
        }),
      )
      const isFree = !isBelow(objects[at - 1]!, objects[at]!)
      expect(order, `${at}`).toEqual(isFree ? expect.anything() : 'CORRUPT')
    }
    expect(await read(bundleOf([...objects.slice(0, 1), ...objects]))).toBe('CORRUPT')
    for (let at = 0; at < objects.length - 1; at++) {
      expect(await read(bundleOf(objects.filter((_, i) => i !== at))), `${at}`).toBe('CORRUPT')
    }
    expect(await read(bundleOf(objects.slice(0, -1)))).toBe('CORRUPT')
  })

  test('under a hash that is not theirs', async () => {
    const objects = await sample()
    for (const [i, object] of objects.entries()) {
      const wrong = [...objects]
      wrong[i] = { ...object, hash: blob('other').hash }
      expect(await read(bundleOf(wrong)), `${i}`).toBe('CORRUPT')
    }
  })

  test('as nodes that say something else than their children', async () => {
    const objects = await sample()
    const inner = objects.at(-2)!
    expect(inner.canonical[0]).toBe(21)
    const n = inner.canonical.readUInt32LE(4).toString(2).replaceAll('0', '').length
    const changes: readonly ((canonical: Buffer) => void)[] = [
      // One entry more below the first child, one less below the second.
      (c) => shift(c, 8 + 32 * n),
      // As many bytes, elsewhere.
      (c) => shift(c, 8 + 33 * n),
      // The children change places.
      (c) => {
        const first = Buffer.from(c.subarray(8, 40))
        c.copy(c, 8, 40, 72)
        first.copy(c, 40)
      },
      // Another common beginning of the names.
      (c) => {
        c[8 + 34 * n]! ^= 1
      },
      // Other slots.
      (c) => c.writeUInt32LE(c.readUInt32LE(4) << 1, 4),
      // Split elsewhere.
      (c) => c.writeUInt16LE(c.readUInt16LE(2) - 5, 2),
    ]
    for (const [i, change] of changes.entries()) {
      const root = forged(inner, change)
      expect(root.hash).not.toBe(inner.hash)
      const bytes = bundleOf([...objects.slice(0, -2), root, commitOf(root.hash)])
      expect(await read(bytes), `change ${i}`).toBe('CORRUPT')
    }
  })

  test('as entries that say something else than what they name', async () => {
    await loadXxh64()
    for (const wrong of [{ size: 2 }, { hash: blob('yy').hash }]) {
      const [leaf] = nodesOf([{ name: 'a', hash: x.hash, size: 1, ...wrong }]) as [Made]
      expect(await read(bundleOf([x, blob('yy'), leaf, commitOf(leaf.hash)]))).toBe('CORRUPT')
    }
    const [leaf] = nodesOf([{ name: 'a', hash: x.hash, size: 1 }]) as [Made]
    // A commit where a tree should be, a tree where a blob should be.
    expect(await read(bundleOf([x, leaf, commitOf(x.hash)]))).toBe('CORRUPT')
    const [above] = nodesOf([{ name: 'a', hash: leaf.hash, size: 1 }]) as [Made]
    expect(await read(bundleOf([x, leaf, above, commitOf(above.hash)]))).toBe('CORRUPT')
  })

  test('as names that no directory has', async () => {
    await loadXxh64()
    const [leaf] = nodesOf([{ name: 'ab', hash: x.hash, size: 1 }]) as [Made]
    for (const name of ['..', './', 'a/', 'a\0']) {
      const bad = forged(leaf, (c) => c.write(name, c.length - 4, 'latin1'))
      expect(await read(bundleOf([x, bad, commitOf(bad.hash)])), JSON.stringify(name)).toBe('CORRUPT')
    }
  })

  test('as large content of other chunks, cuts, or lists than it has', async () => {
    await loadXxh64()
    const [a, b] = [Buffer.alloc(200_000, 'a'), Buffer.alloc(200_000, 'b')]
    const list = (chunks: readonly Buffer[], content: Buffer): Made => {
      const canonical = Buffer.alloc(16 + 40 * chunks.length)
      canonical.writeUInt32LE(chunks.length, 4)
      canonical.writeUInt32LE(
        chunks.reduce((sum, c) => sum + c.length, 0),
        8,
      )
      for (const [i, chunk] of chunks.entries()) {
        writeHash(canonical, sha256(chunk, 0, chunk.length), 16 + 40 * i)
        canonical.writeUInt32LE(chunk.length, 16 + 40 * i + 32)
      }
      return { kind: recordKind.bigBlob, hash: sha256(content, 0, content.length), canonical }
    }
    const content = Buffer.concat([a, b])
    const all = (big: Made): Made[] => {
      const [leaf] = nodesOf([{ name: 'big', hash: big.hash, size: content.length }]) as [Made]
      return [blob(a), blob(b), big, leaf, commitOf(leaf.hash)]
    }
    // The right content in cuts that the content does not have; the wrong content.
    expect(await read(bundleOf(all(list([a, b], content))))).toBe('CORRUPT')
    expect(await read(bundleOf(all(list([b, a], content))))).toBe('CORRUPT')
    expect(await read(bundleOf(all(list([a, b], a))))).toBe('CORRUPT')
  })

  test('as commits in another form than theirs', async () => {
    const objects = await sample()
    const commit = objects.at(-1)!
    const fields = decodeCommit(
      Buffer.concat([commit.canonical, Buffer.alloc(8, 0)]),
      0,
      commit.canonical.length + 8,
    )
    expect(fields.message).toBe('m')
    const { commitDomain } = await import('@varve/pack/objects')
    // The count of parents as a varint of two bytes.
    const canonical = Buffer.concat([
      commit.canonical.subarray(0, 41),
      Buffer.from([0x80, 0]),
      commit.canonical.subarray(42),
    ])
    const odd = { kind: commit.kind, canonical, hash: hashCanonical(commitDomain, canonical) }
    expect(await read(bundleOf([...objects.slice(0, -1), odd]))).toBe('CORRUPT')
  })

  test('as a tip that is not in it, or refs out of order', async () => {
    const objects = await sample()
    const commit = objects.at(-1)!.hash
    const tip = (ref: string, of = commit) => ({ ref, commit: of, annotation: undefined })
    expect(await read(bundleOf(objects, { tips: [tip('heads/a', x.hash)] }))).toBe('CORRUPT')
    expect(await read(bundleOf(objects, { tips: [] }))).toBe('CORRUPT')
    for (const ref of ['heads', 'heads/', 'heads/..', 'other/a', 'tags/a b']) {
      expect(await read(bundleOf(objects, { tips: [tip(ref)] })), ref).toBe('CORRUPT')
    }
    expect(await read(bundleOf(objects, { tips: [tip('heads/b'), tip('heads/a')] }))).toBe('CORRUPT')
    expect(await read(bundleOf(objects, { tips: [tip('heads/a'), tip('heads/a')] }))).toBe('CORRUPT')
    expect(await read(bundleOf(objects, { prerequisites: [x.hash, x.hash] }))).toBe('CORRUPT')
    const other = commitOf(objects.at(-2)!.hash, [], 'other')
    const both = [...objects, other]
    const hashes = [commit, other.hash].sort()
    const named = (ref: string) => bundleOf(both, { tips: hashes.map((hash) => tip(ref, hash)) })
    expect(await read(named(''))).not.toBe('CORRUPT')
    expect(await read(named('heads/a'))).toBe('CORRUPT')
  })
})

/** One more in this byte, one less in the next. */
function shift(bytes: Buffer, at: number): void {
  bytes[at]! += 1
  bytes[at + 1]! -= 1
}

/** Whether `b` refers to `a`. */
function isBelow(a: Made, b: Made): boolean {
  return b.canonical.includes(Buffer.from(a.hash, 'latin1'))
}
