/** Projections brought up to a log, and made anew where they cannot be believed. */
import { systemClock } from '@varve/pack/base'
import { VarveError } from '@varve/pack/errors'
import { beforeEach, describe, expect, test } from 'vitest'
import {
  type Kv,
  type KvDamage,
  type KvEntry,
  type KvOperation,
  type KvRange,
  openMemoryKv,
} from '../kv/index.ts'
import { GIT_ID_KEY, type ProjectedCommit, type ProjectionSource, Projections } from './projections.ts'

/** A log with commits at multiples of 100, and refs. */
class SmallLog implements ProjectionSource {
  readonly commits: ProjectedCommit[] = []
  readonly heads = new Map<string, string>()
  /** From where commits were asked for. */
  readonly asked: number[] = []

  add(hash: string, gitId?: string): number {
    this.commits.push({ hash, extra: gitId === undefined ? {} : { [GIT_ID_KEY]: gitId } })
    return this.commits.length * 100
  }

  end(): number {
    return 64 + this.commits.length * 100
  }

  *archivedCommits(): Iterable<ProjectedCommit> {}

  archivedTo(): string {
    return ''
  }

  *commitsFrom(position: number): Iterable<ProjectedCommit> {
    this.asked.push(position)
    for (const [at, commit] of this.commits.entries()) if ((at + 1) * 100 >= position) yield commit
  }

  gitIdOf(hash: string): string | undefined {
    return this.commits.find((commit) => commit.hash === hash)?.extra[GIT_ID_KEY]
  }

  *refs(): Iterable<{ readonly key: string; readonly hash: string }> {
    for (const [key, hash] of this.heads) yield { key, hash }
  }

  refAt(key: string): string | undefined {
    return this.heads.get(key)
  }
}

/** A database in memory that stays when it is closed, and breaks as LevelDB does. */
class BrittleKv implements Kv {
  readonly kind = 'level'
  readonly reason: undefined = undefined
  readonly inner = openMemoryKv('00')
  damage: KvDamage | undefined
  /** Batches, as the keys that were written. */
  readonly batches: string[][] = []
  failsNext = false

  storeId = (): string | undefined => this.inner.storeId()
  projectedTo = (): number | undefined => this.inner.projectedTo()
  get = (space: string, key: string): Promise<string | undefined> => this.inner.get(space, key)
  getSync = (space: string, key: string): string | undefined => this.inner.getSync(space, key)
  range = (space: string, range?: KvRange): AsyncIterable<KvEntry> => this.inner.range(space, range)

  async batch(operations: readonly KvOperation[], projectedTo: number): Promise<void> {
    if (this.failsNext) {
      this.failsNext = false
      throw new Error('the disk is full')
    }
    this.batches.push(operations.map(({ kind, key }) => (kind === 'put' ? key : `-${key}`)))
    await this.inner.batch(operations, projectedTo)
  }

  /** As a lost table: absence, without an error. */
  async lose(space: string, key: string): Promise<void> {
    await this.inner.batch([{ kind: 'delete', space, key }], this.projectedTo() ?? 0)
  }

  async clear(): Promise<void> {
    this.damage = undefined
    await this.inner.clear()
  }

  async close(): Promise<void> {}
}

const [idA, idB] = ['a'.repeat(40), 'b'.repeat(40)] as [string, string]

let log: SmallLog
let kv: BrittleKv
let rebuilt: string[]
let turns: (() => void)[]
let isHeld: boolean
beforeEach(() => {
  log = new SmallLog()
  kv = new BrittleKv()
  rebuilt = []
  turns = []
  isHeld = false
})

function project(): Projections {
  return new Projections(kv, {
    turn: () => (isHeld ? new Promise((resolve) => void turns.push(resolve)) : Promise.resolve()),
    onRebuilt: (reason) => void rebuilt.push(reason),
  })
}

/** A store with the log's commits in it, closed. */
async function projected(): Promise<void> {
  const projections = project()
  await projections.catchUp(log, true)
  await projections.close()
  expect(rebuilt).toEqual([])
  kv.batches.length = 0
  log.asked.length = 0
}

describe('at opening', () => {
  test('only what came since is projected, refs as they are', async () => {
    log.add('c1', idA)
    log.heads.set('heads/main', 'c1')
    await projected()
    log.add('c2', idB)
    log.heads.set('heads/main', 'c2')
    await project().catchUp(log, false)
    expect(log.asked).toEqual([164])
    expect(kv.batches).toEqual([[idB, 'heads/main']])
    expect(kv.projectedTo()).toBe(264)
    expect(await kv.get('refs', 'heads/main')).toBe('c2')
    expect(rebuilt).toEqual([])
  })

  test('nothing is written of a log that has not grown', async () => {
    log.add('c1', idA)
    log.heads.set('heads/main', 'c1')
    await projected()
    await project().catchUp(log, false)
    expect(kv.batches).toEqual([[]])
  })

  test('those of a longer log are thrown away', async () => {
    log.add('c1', idA)
    log.add('c2', idB)
    await projected()
    log.commits.pop()
    const projections = project()
    await projections.catchUp(log, false)
    expect(rebuilt).toEqual(['they were of a longer log'])
    expect(await projections.gitCommits('b', 9)).toEqual([])
    expect(await projections.gitCommits('a', 9)).toEqual(['c1'])
    expect(kv.projectedTo()).toBe(164)
  })

  test('those that are damaged or missing are made anew, those of an empty log are not missed', async () => {
    await project().catchUp(log, false)
    expect(rebuilt).toEqual([])
    log.add('c1', idA)
    await kv.clear()
    await project().catchUp(log, false)
    expect(rebuilt).toEqual(['there were none'])
    kv.damage = { what: 'a checksum' }
    await project().catchUp(log, false)
    expect(rebuilt).toEqual(['there were none', 'a checksum'])
    expect(kv.damage).toBeUndefined()
    expect(await kv.get('git', idA)).toBe('c1')
  })
})

describe('a look-up by Git id', () => {
  test('waits for what was noted before it, and takes the start of an id', async () => {
    const projections = project()
    await projections.catchUp(log, true)
    projections.noteCommit({ hash: 'c1', extra: { [GIT_ID_KEY]: idA } }, log.add('c1', idA))
    projections.noteCommit({ hash: 'c2', extra: {} }, log.add('c2'))
    const idC = `${'a'.repeat(39)}b`
    projections.noteCommit({ hash: 'c3', extra: { [GIT_ID_KEY]: idC } }, log.add('c3', idC))
    expect(await projections.gitCommits('aaaaaaa', 9)).toEqual(['c1', 'c3'])
    expect(await projections.gitCommits('aaaaaaa', 1)).toEqual(['c1'])
    expect(await projections.gitCommits(idA, 9)).toEqual(['c1'])
  })

  test('that finds nothing looks once whether the log says so too', async () => {
    log.add('c1', idA)
    await projected()
    const projections = project()
    await projections.catchUp(log, false)
    log.asked.length = 0
    const both = await Promise.all([projections.gitCommits('b', 9), projections.gitCommits('c', 9)])
    expect(both).toEqual([[], []])
    expect(await projections.gitCommits('d', 9)).toEqual([])
    expect(log.asked).toEqual([0])
    expect(rebuilt).toEqual([])
  })

  test('finds what the database has lost without a word', async () => {
    log.add('c1', idA)
    log.add('c2', idB)
    await projected()
    const projections = project()
    await projections.catchUp(log, false)
    await kv.lose('git', idB)
    const both = await Promise.all([projections.gitCommits('b', 9), projections.gitCommits('bb', 9)])
    expect(both).toEqual([['c2'], ['c2']])
    expect(rebuilt, 'once').toEqual(['entries were missing'])
  })

  test('is not led astray by those of another log that had the same origins', async () => {
    log.add('other', idA)
    log.add('c2', idB)
    await projected()
    log.commits[0] = { hash: 'c1', extra: { [GIT_ID_KEY]: idA } }
    const projections = project()
    await projections.catchUp(log, false)
    expect(await projections.gitCommits('b', 9)).toEqual(['c2'])
    expect(rebuilt).toEqual([])
    expect(await projections.gitCommits('a', 9)).toEqual(['c1'])
    expect(rebuilt).toEqual(['they were of another log'])
  })

  test('takes one of two commits of one origin, and passes over those that went', async () => {
    log.add('c1', idA)
    log.add('c2', idA)
    for (let at = 0; at < 9; at++) log.add(`gone ${at}`, `b${at}`)
    log.add('c3', 'bf')
    await projected()
    log.commits.splice(2, 9)
    const projections = project()
    await projections.catchUp({ ...bound(log), end: () => 2_000 }, false)
    expect(await projections.gitCommits('a', 2)).toEqual(['c2'])
    expect(await projections.gitCommits('b', 2)).toEqual(['c3'])
    expect(await projections.gitCommits('c', 2)).toEqual([])
    expect(rebuilt).toEqual([])
  })

  test('makes them anew after a batch that could not be written', async () => {
    const projections = project()
    await projections.catchUp(log, true)
    kv.failsNext = true
    projections.noteCommit({ hash: 'c1', extra: { [GIT_ID_KEY]: idA } }, log.add('c1', idA))
    await projections.settled()
    projections.noteCommit({ hash: 'c2', extra: { [GIT_ID_KEY]: idB } }, log.add('c2', idB))
    await projections.settled()
    // What is written after a lost batch would hide that it was lost.
    expect([kv.projectedTo(), await kv.get('git', idB)]).toEqual([64, undefined])
    expect(await projections.gitCommits('b', 9)).toEqual(['c2'])
    expect(await projections.gitCommits('a', 9)).toEqual(['c1'])
    expect(rebuilt).toEqual(['writing failed'])
    expect(kv.projectedTo()).toBe(264)
  })

  test('makes them anew also when an earlier look-up has found nothing missing', async () => {
    const projections = project()
    await projections.catchUp(log, true)
    expect(await projections.gitCommits('f', 9)).toEqual([])
    kv.failsNext = true
    projections.noteCommit({ hash: 'c1', extra: { [GIT_ID_KEY]: idA } }, log.add('c1', idA))
    expect(await projections.gitCommits('a', 9)).toEqual(['c1'])
    expect(rebuilt).toEqual(['writing failed'])
  })

  test('of a store that is closed meanwhile is refused', async () => {
    const projections = project()
    await projections.catchUp(log, true)
    await projections.close()
    const failure = await projections.gitCommits('a', 9).catch((error: unknown) => error)
    expect(VarveError.is(failure, 'STORE_CLOSED')).toBe(true)
  })
})

describe('notes', () => {
  test('that come in one turn share a batch, the newest of a key', async () => {
    const projections = project()
    await projections.catchUp(log, true)
    kv.batches.length = 0
    isHeld = true
    projections.noteRef('heads/a', 'c1', 100)
    projections.noteRef('heads/b', 'c1', 200)
    projections.noteRef('heads/a', undefined, 300)
    isHeld = false
    for (const go of turns) go()
    await projections.settled()
    expect(kv.batches).toEqual([['-heads/a', 'heads/b']])
    expect(kv.projectedTo()).toBe(300)
    projections.noteRef('heads/c', 'c1', 250)
    await projections.settled()
    expect(kv.projectedTo(), 'never goes back').toBe(300)
  })

  test('of commits that are gone are removed after a collection', async () => {
    log.add('c1', idA)
    log.add('c2', idB)
    const projections = project()
    await projections.catchUp(log, true)
    log.commits.shift()
    projections.startPruning((hash) => hash === 'c2')
    for (let turn = 0; turn < 20; turn++) await systemClock.turn()
    expect([await kv.get('git', idA), await kv.get('git', idB)]).toEqual([undefined, 'c2'])
  })
})

describe('what is compared with the log', () => {
  test('agrees after changes, and tells each ref and Git id that does not', async () => {
    const log = new SmallLog()
    const kv = new BrittleKv()
    const projections = new Projections(kv, { turn: async () => {}, onRebuilt: () => {} })
    log.heads.set('heads/main', 'c1')
    await projections.catchUp(log, true)
    expect(await projections.disagreements()).toEqual([])
    await kv.batch([{ kind: 'put', space: 'refs', key: 'heads/main', value: 'c9' }], 100)
    await kv.batch([{ kind: 'put', space: 'refs', key: 'heads/ghost', value: 'c9' }], 100)
    log.heads.set('tags/v1', 'c1')
    const found = await projections.disagreements()
    expect(found.map((text) => text.split(' ')[0]).sort()).toEqual(['heads/ghost', 'heads/main', 'tags/v1'])
  })
})

/** A log whose methods can be spread. */
function bound(of: SmallLog): ProjectionSource {
  return {
    archivedCommits: () => [],
    archivedTo: () => '',
    commitsFrom: (position) => of.commitsFrom(position),
    refs: () => of.refs(),
    refAt: (key) => of.refAt(key),
    gitIdOf: (hash) => of.gitIdOf(hash),
    end: () => of.end(),
  }
}
