import type { Commit, GcResult, Store } from '@varve/store'
import {
  costFigures,
  lapFigures,
  type Measurement,
  megabytes,
  memoryFigure,
  type Order,
  rate,
} from '../measuring/measurement.ts'
import { Stopwatch } from '../measuring/stopwatch.ts'
import { openStore, totalBytes } from '../measuring/store-folder.ts'
import { TimedCommits } from '../measuring/timed-commits.ts'
import { growthKeys, smallCommits, type Write } from '../workloads/workloads.ts'
import { collectionFigures, collectionTarget } from './collection.ts'
import { overwrittenSample } from './overwritten-sample.ts'

/** W4 with small commits before, back to back while, and after it runs. */
export async function measureBusyCollection({ folder, size }: Order): Promise<Measurement> {
  const keys = growthKeys(size)
  const store = await openStore(folder)
  const target = await collectionTarget(store, size)
  const writes = smallCommits(keys)
  const commits = new TimedCommits(store, 'w4')
  const { laps } = commits.watch
  while (commits.count < size.smallCommits) await commits.add(writes.next().value)
  const watch = new Stopwatch()
  const course = await watch.time(() => collect({ store, target, commits, writes }))
  const during = laps.slice(size.smallCommits)
  const first = await commits.add(writes.next().value)
  const afterFirst = commits.count
  while (commits.count < afterFirst + size.smallCommits) await commits.add(writes.next().value)
  const memory = memoryFigure()
  const sample = overwrittenSample(keys, size).expect(firstOf(smallCommits(keys), commits.count))
  sample.check(store)
  await store.close()
  const figures = [
    ...collectionFigures(course.result),
    { what: 'start call', value: course.startMs, unit: 'ms' },
    { what: 'finalise call', value: course.finaliseMs, unit: 'ms' },
    { what: 'longest call between them', value: Math.max(course.pollMs, ...during), unit: 'ms' },
    { what: 'first commit after', value: first, unit: 'ms' },
    ...lapFigures('commit before', laps.slice(0, size.smallCommits)),
    ...lapFigures('commit during', during),
    ...lapFigures('commit after', laps.slice(afterFirst)),
    { what: 'commits during', value: during.length, unit: '' },
    rate('commit rate during', during.length, watch.wallMs),
    megabytes('disk after', totalBytes(folder)),
    memory,
    ...costFigures(watch),
  ]
  await sample.checkAnew(folder)
  return { figures, proofs: {} }
}

interface Course {
  readonly result: GcResult
  readonly startMs: number
  /** Of the call that switched. */
  readonly finaliseMs: number
  /** Of the longest call that found the collection still running. */
  readonly pollMs: number
}

async function collect(o: {
  readonly store: Store
  readonly target: Commit
  readonly commits: TimedCommits
  readonly writes: Generator<Write[], never>
}): Promise<Course> {
  const calls = new Stopwatch()
  await calls.time(() => o.store.startGc(o.target))
  let result: GcResult
  do {
    await o.commits.add(o.writes.next().value)
    result = await calls.time(() => o.store.finaliseGc({ wait: false }))
  } while (result.state === 'running')
  const [startMs, ...polls] = calls.laps as [number, ...number[]]
  const finaliseMs = polls.pop() as number
  return { result, startMs, finaliseMs, pollMs: Math.max(0, ...polls) }
}

function* firstOf<T>(items: Iterator<T>, count: number): Generator<T> {
  for (let i = 0; i < count; i++) yield items.next().value as T
}
