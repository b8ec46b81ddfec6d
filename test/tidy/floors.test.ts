import { describe, expect, test } from 'vitest'
import { isForTests, productFiles, roomOf, sourceFiles } from './support/source-file.ts'
import { readJson } from './support/workspace.ts'

const { floors } = readJson<{ floors: { name: string; rooms: string[] }[] }>('floors.json')
const floorOf = new Map(floors.flatMap(({ rooms }, floor) => rooms.map((room) => [room, floor] as const)))

const arrows = productFiles.flatMap((file) =>
  file.imports.map((link) => ({
    from: file.path,
    fromRoom: file.room as string,
    name: link.name,
    target: link.target,
    toRoom: link.target === undefined ? undefined : roomOf(link.target),
  })),
)

describe('floors', () => {
  test('every room has its floor, and every floor names rooms that are there', () => {
    const rooms = new Set(productFiles.map((file) => file.room as string))
    expect([...floorOf.keys()].sort()).toEqual([...rooms].sort())
  })

  test('a room imports only from floors below its own', () => {
    const wrong = arrows.filter(({ fromRoom, toRoom }) => {
      if (toRoom === undefined || toRoom === fromRoom) return false
      return (floorOf.get(toRoom) ?? -1) >= (floorOf.get(fromRoom) ?? Number.POSITIVE_INFINITY)
    })
    expect(wrong.map(told)).toEqual([])
  })

  test('another room is entered through its index', () => {
    const wrong = arrows.filter(({ fromRoom, toRoom, target }) => {
      if (toRoom === undefined || toRoom === fromRoom || toRoom.endsWith('/.')) return false
      return !/^packages\/[^/]+\/src\/[^/]+\/index\.ts$/.test(target as string)
    })
    expect(wrong.map(told)).toEqual([])
  })

  test('another package is entered by its name', () => {
    const wrong = arrows.filter(({ fromRoom, toRoom, name }) => {
      return toRoom !== undefined && packageOf(fromRoom) !== packageOf(toRoom) && name.startsWith('.')
    })
    expect(wrong.map(told)).toEqual([])
  })

  test('packages stand on each other in one order only', () => {
    const below: Record<string, string[]> = {
      pack: [],
      'gc-worker': ['pack'],
      store: ['pack', 'gc-worker'],
      cli: ['pack', 'store'],
    }
    const wrong = arrows.filter(({ fromRoom, toRoom }) => {
      const [from, to] = [packageOf(fromRoom), packageOf(toRoom ?? fromRoom)]
      return from !== to && below[from]?.includes(to) !== true
    })
    expect(wrong.map(told)).toEqual([])
  })

  test('fakes for tests are used by tests only', () => {
    const wrong = arrows.filter(({ fromRoom, toRoom, target }) => {
      if (target !== undefined && isForTests(target)) return true
      return toRoom === 'pack/testing' && fromRoom !== 'pack/testing'
    })
    expect(wrong.map(told)).toEqual([])
  })

  test('every relative import leads to a file', () => {
    const paths = new Set(sourceFiles.map((file) => file.path))
    const wrong = sourceFiles.flatMap((file) =>
      file.imports
        .filter(
          ({ name, target }) => name.startsWith('.') && /\.[jt]s$/.test(name) && !paths.has(target ?? ''),
        )
        .filter(({ name }) => !name.includes('/dist/'))
        .map(({ name }) => `${file.path}: ${name}`),
    )
    expect(wrong).toEqual([])
  })
})

function packageOf(room: string): string {
  return room.split('/')[0] as string
}

function told({ from, name }: { from: string; name: string }): string {
  return `${from} imports ${name}`
}
