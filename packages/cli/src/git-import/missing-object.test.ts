import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { VarveError } from '@varve/pack/errors'
import { afterEach, test as anyTest, describe, expect } from 'vitest'
import { gitInstalled } from '../git/testing/git-installed.ts'
import type { TestRepository } from '../git/testing/test-repository.ts'
import { commitId, importFrom, newRepository, removeRepositories, stored } from './testing/import-run.ts'

const test = anyTest.skipIf(!gitInstalled('the import of what Git lacks is'))

afterEach(removeRepositories)

describe('objects that Git cannot supply', () => {
  function broken(): {
    from: TestRepository
    ids: Record<'root' | 'bad' | 'after' | 'blob' | 'tree', string>
  } {
    const from = newRepository()
    const fine = from.blob('fine')
    const blob = from.blob('lost')
    const root = from.commit(from.tree([['100644', 'a', fine]]), [], 'root\n')
    const tree = from.tree([['100644', 'x', blob]])
    const bad = from.commit(from.tree([['40000', 'd', from.tree([['40000', 'e', tree]])]]), [root], 'bad\n')
    const after = from.commit(from.tree([['100644', 'b', fine]]), [bad], 'after\n')
    return { from, ids: { root, bad, after, blob, tree } }
  }

  async function refusal(from: TestRepository, tip: string): Promise<unknown> {
    const failure = await importFrom(from, [tip]).catch((cause: unknown) => cause)
    expect(VarveError.is(failure, 'GIT_OBJECT_MISSING')).toBe(true)
    return VarveError.is(failure, 'GIT_OBJECT_MISSING') ? failure.details : undefined
  }

  test('a blob', async () => {
    const { from, ids } = broken()
    from.lose(ids.blob)
    expect(await refusal(from, ids.after)).toEqual({ commit: ids.bad, path: 'd/e/x', id: ids.blob })
    const { sink, outcome } = await importFrom(from, [ids.after], { missing: 'skip' })
    expect(outcome.leftOut).toEqual([{ commit: ids.bad, path: 'd/e/x', id: ids.blob }])
    expect(outcome.commitHash(ids.bad)).toBeUndefined()
    expect(outcome.cut).toEqual([ids.after])
    expect(stored(sink, outcome, ids.after).parents).toEqual([])
    expect(commitId(sink, stored(sink, outcome, ids.after))).toBe(ids.after)
  })

  test('a tree', async () => {
    const { from, ids } = broken()
    from.lose(ids.tree)
    expect(await refusal(from, ids.after)).toEqual({ commit: ids.bad, path: 'd/e', id: ids.tree })
    const { outcome } = await importFrom(from, [ids.after], { missing: 'skip' })
    expect(outcome.leftOut).toEqual([{ commit: ids.bad, path: 'd/e', id: ids.tree }])
  })

  test('a root tree', async () => {
    const { from, ids } = broken()
    const tree = from.git(['rev-parse', `${ids.bad}^{tree}`])
    from.lose(tree)
    expect(await refusal(from, ids.after)).toEqual({ commit: ids.bad, path: '', id: tree })
    const { outcome } = await importFrom(from, [ids.after], { missing: 'skip' })
    expect(outcome.leftOut).toEqual([{ commit: ids.bad, path: '', id: tree }])
  })

  test('a commit', async () => {
    const { from, ids } = broken()
    from.lose(ids.bad)
    expect(await refusal(from, ids.after)).toEqual({ commit: ids.after, path: '', id: ids.bad })
    const { sink, outcome } = await importFrom(from, [ids.after], { missing: 'skip' })
    expect(outcome.leftOut).toEqual([{ commit: ids.after, path: '', id: ids.bad }])
    expect(commitId(sink, stored(sink, outcome, ids.after))).toBe(ids.after)
    expect(sink.commits.size).toBe(1)
  })

  test('a commit that cannot be read at all', async () => {
    const { from, ids } = broken()
    writeFileSync(objectFile(from, ids.bad), 'no zlib stream at all')
    expect(await refusal(from, ids.after)).toEqual({ commit: ids.after, path: '', id: ids.bad })
    const { sink, outcome } = await importFrom(from, [ids.after], { missing: 'skip' })
    expect(commitId(sink, stored(sink, outcome, ids.after))).toBe(ids.after)
  })

  test('several at once, of all kinds', async () => {
    const { from, ids } = broken()
    const lost = from.blob('another lost one')
    const merged = from.commit(from.tree([['100644', 'z', lost]]), [ids.after], 'merged\n')
    const side = from.commit(from.tree([]), [ids.bad], 'side\n')
    const top = from.commit(from.tree([['100644', 'b', from.blob('fine')]]), [merged, side], 'top\n')
    from.lose(ids.bad)
    writeFileSync(objectFile(from, lost), 'junk')
    const { sink, outcome } = await importFrom(from, [top, ids.root], { missing: 'skip' })
    expect(outcome.leftOut.map(({ commit, id }) => `${commit} ${id}`).sort()).toEqual(
      [`${ids.after} ${ids.bad}`, `${side} ${ids.bad}`, `${merged} ${lost}`].sort(),
    )
    expect(stored(sink, outcome, top).parents).toEqual([outcome.commitHash(side)])
    for (const id of [top, side, ids.after, ids.root])
      expect(commitId(sink, stored(sink, outcome, id))).toBe(id)
  })

  test('the commit that a ref points to', async () => {
    const { from, ids } = broken()
    from.lose(ids.bad)
    expect(await refusal(from, ids.bad)).toEqual({ commit: ids.bad, path: '', id: ids.bad })
    const { sink, outcome } = await importFrom(from, [ids.bad, ids.root], { missing: 'skip' })
    expect(outcome.leftOut).toEqual([{ commit: ids.bad, path: '', id: ids.bad }])
    expect(sink.commits.size).toBe(1)
  })

  test('a blob whose bytes are others', async () => {
    const { from, ids } = broken()
    damage(from, ids.blob, 'another content')
    expect(await refusal(from, ids.after)).toEqual({ commit: ids.bad, path: 'd/e/x', id: ids.blob })
    const { outcome } = await importFrom(from, [ids.after], { missing: 'skip' })
    expect(outcome.leftOut).toEqual([{ commit: ids.bad, path: 'd/e/x', id: ids.blob }])
  })

  test.each(['blob', 'tree'] as const)('a %s that cannot be read at all', async (which) => {
    const { from, ids } = broken()
    writeFileSync(objectFile(from, ids[which]), 'no zlib stream at all')
    const path = which === 'blob' ? 'd/e/x' : 'd/e'
    expect(await refusal(from, ids.after)).toEqual({ commit: ids.bad, path, id: ids[which] })
    const { outcome } = await importFrom(from, [ids.after], { missing: 'skip' })
    expect(outcome.leftOut).toEqual([{ commit: ids.bad, path, id: ids[which] }])
    expect(outcome.commitHash(ids.after)).toBeDefined()
  })

  test('an empty object file', async () => {
    const { from, ids } = broken()
    writeFileSync(objectFile(from, ids.blob), '')
    expect(await refusal(from, ids.after)).toMatchObject({ path: 'd/e/x', id: ids.blob })
  })
})

function objectFile(from: TestRepository, id: string): string {
  const file = join(from.folder, 'objects', id.slice(0, 2), id.slice(2))
  rmSync(file)
  return file
}

/** Gives the object the bytes of another one. */
function damage(from: TestRepository, id: string, content: string): void {
  const other = from.blob(content)
  const file = objectFile(from, id)
  writeFileSync(file, readObject(from, other))
}

function readObject(from: TestRepository, id: string): Buffer {
  return readFileSync(join(from.folder, 'objects', id.slice(0, 2), id.slice(2)))
}
