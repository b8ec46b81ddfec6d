/**
 * Imports that go on while collections come and go. Nothing that an import has put, or has found to be there,
 * goes before its refs are moved; what it has put when it is given up goes with the next collection.
 */
import { type BlobRef, entryMode, type NodeRef, type TreeEntry } from '@varve/pack/objects'
import type { Commit, Hash } from '@varve/store'
import { type Bulk, openBulk } from '@varve/store/internal'
import { describe, expect, test } from 'vitest'
import { CollectionCourse, type CourseStep, courseSteps } from '../support/collection-course.ts'
import { doomed, Field } from '../support/race.ts'
import { describe as describeContent, readTree } from '../support/read-whole.ts'
import { Stepper, settled } from '../support/stepper.ts'
import { withStore } from '../support/temp-store.ts'

const steps: readonly CourseStep[] = courseSteps.slice(0, -1)
/** Where its objects come, and where its refs. */
const ways = steps.flatMap((begun) =>
  steps.slice(steps.indexOf(begun)).map((ended): [CourseStep, CourseStep] => [begun, ended]),
)

describe('an import while a collection runs', () => {
  test.each(ways)('its objects come at %s, its refs at %s', (begun, ended) =>
    withField(async (field, course) => {
      await course.goTo(begun)
      const mayEnd = field.gate('may end')
      const importing = (async (): Promise<void> => {
        const bulk = await openBulk(field.store)
        await bulk.ready()
        const put = putObjects(bulk)
        await mayEnd
        await putRest(bulk, put)
      })()
      await settled()
      await course.goTo(ended)
      field.open('may end')
      await settled()
      await course.goTo('after')
      await importing
      await field.store.gc.run(undefined, { grace: 0 })
      await expectImported(field)
    }),
  )

  test('over three collections, with hits on what each of them drops', () =>
    withField(async (field, course) => {
      const bulk = await openBulk(field.store)
      await bulk.ready()
      const putting = putObjects(bulk)
      await course.goTo('after')
      for (let round = 0; round < 2; round++) await field.store.gc.run(undefined, { grace: 0 })
      expect(await field.store.hasBlobs([putting.text.hash, putting.fresh.hash].map(hexOf))).toEqual([
        true,
        true,
      ])
      await putRest(bulk, putting)
      await expectImported(field)
      await field.store.gc.run(undefined, { grace: 0 })
      await expectImported(field)
    }))

  test('one that is given up leaves nothing behind', () =>
    withField(async (field, course) => {
      await course.goTo('after')
      await field.store.gc.run(undefined, { grace: 0 })
      const before = field.store.stats().objects
      const bulk = await openBulk(field.store)
      await bulk.ready()
      putObjects(bulk)
      await field.store.gc.run(undefined, { grace: 0 })
      expect(field.store.stats().objects.blob).toBeGreaterThan(before.blob)
      await bulk.abort()
      await field.store.gc.run(undefined, { grace: 0 })
      expect(field.store.stats().objects).toEqual(before)
    }))
})

interface Put {
  readonly text: BlobRef
  readonly fresh: BlobRef
  readonly folder: NodeRef
}

/** Two blobs, of which the store may hold one, and a directory, in one section. */
function putObjects(bulk: Bulk): Put {
  const text = bulk.putBlob(Buffer.from(doomed.text))
  const fresh = bulk.putBlob(Buffer.from('fresh text'))
  const folder = bulk.putDirectory(undefined, [fileEntry('fresh', fresh), fileEntry('text', text)])
  return { text, fresh, folder }
}

async function putRest(bulk: Bulk, { fresh, folder }: Put): Promise<void> {
  await bulk.ready()
  const entry: TreeEntry = { name: 'd', hash: folder.hash, offset: folder.offset, ...bulk.totals(folder) }
  const tree = bulk.putDirectory(undefined, [entry, fileEntry('e', fresh)])
  const { hash } = bulk.putCommit({ tree, parents: [], author: 'a', date: 0, message: 'imported', extra: {} })
  await bulk.finish([
    { name: 'heads/imported', commit: hash },
    { name: 'tags/imported', commit: hash, tag: { message: 'once' } },
  ])
}

async function expectImported(field: Field): Promise<void> {
  const expectHead = async (): Promise<void> => {
    const head = (await field.store.branch('imported').head()) as Commit
    expect((await field.store.tag('imported').target())?.hash).toBe(head.hash)
    expect(await readTree(head.tree())).toEqual(
      new Map([
        ['d', `tree 2 ${10 + doomed.text.length}`],
        ['d/fresh', describeContent('fresh text')],
        ['d/text', describeContent(doomed.text)],
        ['e', describeContent('fresh text')],
      ]),
    )
  }
  await expectHead()
  await field.temp.reopen()
  await expectHead()
}

function fileEntry(name: string, blob: BlobRef): TreeEntry {
  return { name, mode: entryMode.file, count: 0, ...blob }
}

function hexOf(raw: string): Hash<'blob'> {
  return Buffer.from(raw, 'latin1').toString('hex') as Hash<'blob'>
}

async function withField(body: (field: Field, course: CollectionCourse) => Promise<void>): Promise<void> {
  const stepper = new Stepper()
  await withStore({ wrap: stepper.wrap }, async (temp) => {
    const field = new Field(temp, stepper)
    await field.lay()
    const course = new CollectionCourse({ stepper, store: () => temp.store, target: () => field.third })
    try {
      await body(field, course)
    } finally {
      stepper.releaseAll()
    }
  })
}
