import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { MemorySink } from '../testing/memory-sink.ts'
import { DirectoryConverter } from './directory-converter.ts'
import { type IdIndex, IdMap, idState } from './id-map.ts'

type Mode = '100644' | '100755' | '40000' | '160000' | '100664'

interface Entry {
  readonly name: string
  readonly mode: Mode
  /** Which of the objects of its kind. */
  readonly content: number
}

/** A world with a few blobs and directories, in which trees are converted. */
class World {
  readonly sink: MemorySink = new MemorySink()
  readonly ids: IdMap = new IdMap(20)

  constructor() {
    for (let n = 0; n < 8; n++) {
      const ref = this.sink.putBlob(Buffer.from(`content ${n}`.repeat(n)))
      this.ids.setBlob(this.ids.addHex(idOf('blob', n), idState.blob), ref)
      const target = { mode: 0 as const, size: ref.size, count: 0, hash: ref.hash, offset: ref.offset }
      const directory = this.sink.putDirectory(undefined, [{ name: `f${n}`, ...target }])
      const facts = { count: 1, size: ref.size, isOdd: n === 7 }
      this.ids.setTree(this.ids.addHex(idOf('tree', n), idState.tree), directory, facts)
    }
  }

  /** What became of a tree object. */
  convert(converter: DirectoryConverter, bytes: Buffer): unknown {
    const id = createHash('sha1').update(bytes).digest()
    const index = this.ids.find(id, 0) < 0 ? this.ids.add(id, 0, idState.waiting) : this.ids.find(id, 0)
    // Among other bytes, as in the arena.
    const arena = Buffer.concat([Buffer.alloc(11, 0xaa), bytes, Buffer.alloc(7, 0xbb)])
    const obstacles = converter.convert({ index, bytes: arena, start: 11, end: 11 + bytes.length })
    return { obstacles, ...this.#facts(index) }
  }

  #facts(index: IdIndex): object {
    const { ids } = this
    const state = ids.state(index)
    if (state !== idState.tree) return { state }
    const hash = Buffer.from(ids.hash(index), 'latin1').toString('hex')
    return { state, hash, count: ids.entryCount(index), size: ids.size(index), isOdd: ids.isOdd(index) }
  }
}

function idOf(kind: 'blob' | 'tree', n: number): string {
  return createHash('sha1').update(`${kind} ${n}`).digest('hex')
}

function treeObject(entries: readonly Entry[]): Buffer {
  const key = ({ name, mode }: Entry): Buffer => Buffer.from(mode === '40000' ? `${name}/` : name)
  const sorted = [...entries].sort((a, b) => Buffer.compare(key(a), key(b)))
  return Buffer.concat(
    sorted.map(({ name, mode, content }) => {
      const id = idOf(mode === '40000' ? 'tree' : 'blob', content)
      return Buffer.concat([Buffer.from(`${mode} ${name}\0`), Buffer.from(id, 'hex')])
    }),
  )
}

/** Names that sort differently in Git and by bytes, when some of them are directories. */
const names = Array.from({ length: 180 }, (_, n) => {
  const stem = `part${Math.floor(n / 3)}`
  return n % 3 === 0 ? stem : n % 3 === 1 ? `${stem}-b` : `${stem}.c`
})
const first: readonly Entry[] = names.map((name, n) => ({ name, mode: '100644', content: n % 8 }))

const mode = fc.constantFrom<Mode>(...usual(8, '100644'), ...usual(6, '40000'), '100755', '160000', '100664')
const edit = fc.record({
  at: fc.nat(8),
  what: fc.constantFrom('set', 'set', 'set', 'remove', 'insert', 'double'),
  mode,
  content: fc.constantFrom(0, 1, 2, 3, 4, 5, 6, 0, 1, 2, 3, 4, 5, 6, 7),
})
/** Edits lie near each other, as they do in histories: or next to nothing would be the same. */
const version = fc.record({ near: fc.nat(150), edits: fc.array(edit, { minLength: 1, maxLength: 4 }) })

function usual(count: number, mode: Mode): Mode[] {
  return Array.from({ length: count }, () => mode)
}

function edited(
  entries: readonly Entry[],
  { at, what, mode: newMode, content }: EditOf<typeof edit>,
): Entry[] {
  const next = [...entries]
  const place = at % Math.max(1, next.length)
  const name = next[place]?.name ?? 'only'
  if (what === 'remove') next.splice(place, 1)
  else if (what === 'set') next[place] = { name, mode: newMode, content }
  else next.push({ name: what === 'double' ? name : `new${at}`, mode: newMode, content })
  return next
}

type EditOf<T> = T extends fc.Arbitrary<infer U> ? U : never

describe('versions of a large directory', () => {
  test('become the same directories by their changes as whole', () => {
    let changeCount = 0
    fc.assert(
      fc.property(fc.array(version, { minLength: 1, maxLength: 6 }), (versions) => {
        const world = new World()
        const other = new World()
        const remembering = new DirectoryConverter(world.ids, world.sink, 20)
        let entries: readonly Entry[] = first
        for (const { near, edits } of [{ near: 0, edits: [] }, ...versions]) {
          for (const change of edits) entries = edited(entries, { ...change, at: near + change.at })
          const bytes = treeObject(entries)
          const forgetful = new DirectoryConverter(other.ids, other.sink, 20)
          expect(world.convert(remembering, bytes)).toEqual(other.convert(forgetful, bytes))
        }
        changeCount += world.sink.changeCount
      }),
      { numRuns: 300 },
    )
    // It would hold as well if nothing were ever made from what was there before.
    expect(changeCount).toBeGreaterThan(100)
  })

  test('wait for what is not known, and are found to be broken', () => {
    const world = new World()
    const converter = new DirectoryConverter(world.ids, world.sink, 20)
    world.convert(converter, treeObject(first))
    const missing = idOf('blob', 99)
    const next = treeObject([...first, { name: 'z', mode: '100644', content: 99 }])
    expect(world.convert(converter, next)).toMatchObject({
      obstacles: [{ obstacle: 'unknown', id: missing }],
    })
    world.ids.addHex(missing, idState.absent)
    expect(world.convert(converter, next)).toEqual({ obstacles: [], state: idState.broken })
    const cut = next.subarray(0, next.length - 3)
    expect(world.convert(converter, cut)).toEqual({ obstacles: [], state: idState.broken })
  })

  test('of which only little is the same are converted whole', () => {
    const world = new World()
    const converter = new DirectoryConverter(world.ids, world.sink, 20)
    world.convert(converter, treeObject(first))
    world.convert(
      converter,
      treeObject(first.map((entry) => ({ ...entry, content: (entry.content + 1) % 8 }))),
    )
    expect(world.sink.changeCount).toBe(0)
  })
})
