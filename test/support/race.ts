import type { Commit, Hash, Store } from '@varve/store'
import { VarveError } from '@varve/store'
import { expect, describe as group, test } from 'vitest'
import { CollectionCourse, type CourseStep, courseSteps } from './collection-course.ts'
import { describe, readTree, sha256 } from './read-whole.ts'
import { seededBytes } from './seeded-bytes.ts'
import { Stepper, settled } from './stepper.ts'
import { type TempStore, withStore } from './temp-store.ts'

/** Path → content, as text or bytes. */
export type Wanted = Readonly<Record<string, string | Uint8Array>>

/** What came of the later half of a race. */
export interface Appended {
  /** On a branch or a tag when `isHeld`. */
  readonly commit: Commit
  readonly wanted: Wanted
  readonly isHeld: boolean
}

/** Something that is decided, and later a write that rests on it, with a collection in between. */
export interface Race<T> {
  readonly name: string
  decide(field: Field): Promise<T>
  append(field: Field, decided: T): Promise<Appended>
  /** What must come of it: the write is done and whole, or it is refused with one of these codes. */
  expected(decidedAt: CourseStep, appendedAt: CourseStep): 'kept' | readonly VarveError['code'][]
}

/** Everything that the collection of the field drops. */
export const doomed = {
  text: 'a text that nothing will refer to',
  other: 'another text in the same directory',
  big: seededBytes(7, 500_000),
} as const

/**
 * A store with a branch `main` whose first commit holds a directory `doomed`, which the second one deletes. A
 * collection of the third drops the first two and what only they hold.
 */
export class Field {
  readonly temp: TempStore
  readonly stepper: Stepper
  first!: Commit
  second!: Commit
  third!: Commit
  bigHash!: Hash<'blob'>
  readonly #gates = new Map<string, () => void>()

  constructor(temp: TempStore, stepper: Stepper) {
    this.temp = temp
    this.stepper = stepper
  }

  get store(): Store {
    return this.temp.store
  }

  get textHash(): Hash<'blob'> {
    return sha256(doomed.text) as Hash<'blob'>
  }

  async lay(): Promise<void> {
    const main = this.store.branch('main')
    this.bigHash = sha256(doomed.big) as Hash<'blob'>
    this.first = await main.commit((edit) => {
      edit.set('doomed/text', doomed.text).set('doomed/other', doomed.other).set('doomed/big', doomed.big)
      edit.set('kept', 'kept text')
    })
    this.second = await main.commit((edit) => void edit.delete('doomed'))
    this.third = await main.commit((edit) => void edit.set('later', 'later text'))
  }

  /** A commit on branch `result` that holds just what the function puts there. */
  async commitResult(
    make: Parameters<ReturnType<Store['branch']>['commit']>[0],
    wanted: Wanted,
  ): Promise<Appended> {
    const commit = await this.store.branch('result').commit(make, { date: 1 })
    return { commit, wanted, isHeld: true }
  }

  /** A promise that `open(name)` resolves, for functions that must wait in the middle. */
  gate(name: string): Promise<void> {
    return new Promise((resolve) => void this.#gates.set(name, resolve))
  }

  open(name: string): void {
    this.#gates.get(name)?.()
  }
}

/** Steps before the switch: where a decision can be made that the switch makes void. */
const decisionSteps = courseSteps.slice(0, courseSteps.indexOf('unlinking'))

/** Every order of decision and write around the switch. */
export const orders: readonly (readonly [decidedAt: CourseStep, appendedAt: CourseStep])[] =
  decisionSteps.flatMap((decidedAt) =>
    courseSteps.slice(courseSteps.indexOf(decidedAt)).map((appendedAt) => [decidedAt, appendedAt] as const),
  )

/** Whether a write at this step of the course gets into the log before the switch. */
export function isBeforeSwitch(step: CourseStep): boolean {
  return courseSteps.indexOf(step) < courseSteps.indexOf('held')
}

/** Refused once what it rests on is gone. */
export function refusedAfter(
  _decidedAt: CourseStep,
  appendedAt: CourseStep,
): 'kept' | readonly ['COLLECTED'] {
  return isBeforeSwitch(appendedAt) ? 'kept' : ['COLLECTED']
}

/** Never refused: what is gone is written again. */
export function neverRefused(): 'kept' {
  return 'kept'
}

/** Declares the tests of a race: one for each order. */
export function describeRace<T>(race: Race<T>): void {
  group(race.name, () => {
    test.each(orders)('decided at %s, written at %s', async (decidedAt, appendedAt) => {
      const stepper = new Stepper()
      await withStore({ wrap: stepper.wrap }, async (temp) => {
        const field = new Field(temp, stepper)
        await field.lay()
        try {
          await runRace(race, field, { decidedAt, appendedAt })
        } finally {
          stepper.releaseAll()
        }
      })
    })
  })
}

async function runRace<T>(
  race: Race<T>,
  field: Field,
  { decidedAt, appendedAt }: { decidedAt: CourseStep; appendedAt: CourseStep },
): Promise<void> {
  let target = field.third
  const course = new CollectionCourse({
    stepper: field.stepper,
    store: () => field.store,
    target: () => target,
  })
  await course.goTo(decidedAt)
  const deciding = race.decide(field)
  deciding.catch(() => undefined)
  await settled()
  if (appendedAt === 'again') {
    await course.goTo('after')
    await deciding.catch(() => undefined)
    target = await field.store.branch('pad').commit((edit) => void edit.set('pad', 'pad text'))
  }
  await course.goTo(appendedAt)
  const appending = deciding.then((decided) => race.append(field, decided)).then(wonWith, refusedWith)
  await settled()
  if (appendedAt !== 'again') await course.goTo('after')
  const outcome = await appending
  await expectOutcome(field, outcome, race.expected(decidedAt, appendedAt))
  await field.temp.reopen()
  await expectWhole(field, outcome)
  await field.store.gc.run(field.third.hash === target.hash ? undefined : target, { grace: 0 })
  if (outcome.appended?.isHeld === true) await expectWhole(field, outcome)
}

interface Outcome {
  readonly appended?: Appended
  readonly refused?: VarveError
}

function wonWith(appended: Appended): Outcome {
  return { appended }
}

function refusedWith(error: unknown): Outcome {
  if (!VarveError.is(error)) throw error
  return { refused: error }
}

async function expectOutcome(
  field: Field,
  outcome: Outcome,
  expected: 'kept' | readonly VarveError['code'][],
): Promise<void> {
  if (expected === 'kept') {
    if (outcome.refused !== undefined) throw outcome.refused
    return expectWhole(field, outcome)
  }
  expect(outcome.appended, 'what it rests on is gone').toBeUndefined()
  expect(expected).toContain(outcome.refused?.code)
}

/** No hole: whatever was accepted is there to the last byte, and so are all refs. */
async function expectWhole(field: Field, { appended }: Outcome): Promise<void> {
  if (appended === undefined) return
  const found = await field.store.getCommit(appended.commit.hash)
  expect(found?.treeHash).toBe(appended.commit.treeHash)
  const tree = await readTree((found as Commit).tree())
  const blobs = [...tree].filter(([, what]) => !what.startsWith('tree '))
  const wanted = Object.entries(appended.wanted).map(([path, content]) => [path, describe(content)])
  expect(Object.fromEntries(blobs)).toEqual(Object.fromEntries(wanted))
}
