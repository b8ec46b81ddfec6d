import { describe, expect, test } from 'vitest'
import { compareWorkloads, compareYardsticks, geometricMean } from '../../benchmarks/src/rounds/comparison.ts'
import { courseOf } from '../../benchmarks/src/rounds/course.ts'
import { resultsOf } from '../../benchmarks/src/rounds/results.ts'
import type { SummaryLine } from '../../benchmarks/src/rounds/summary.ts'
import { comparisonTable, yardstickTable } from '../../benchmarks/src/rounds/tables.ts'
import { workloadSizes } from '../../benchmarks/src/workloads/workload-size.ts'
import { growth } from '../../benchmarks/src/workloads/workloads.ts'
import { chooseYardsticks } from '../../benchmarks/src/yardsticks/choice.ts'
import { importScript } from '../../benchmarks/src/yardsticks/import-script.ts'
import { referenceWorkloads, referenceYardsticks } from '../../benchmarks/src/yardsticks/reference.ts'
import { yardsticks } from '../../benchmarks/src/yardsticks/yardsticks.ts'

function line(step: string, what: string, unit: string, median: number): SummaryLine {
  return { step, what, unit, median, min: median, max: median, values: [median] }
}

/** The machine of the reference, on which puts took 4 times as long, and everything else as long. */
const slowPuts = compareYardsticks([
  line('put', 'a key', 'µs', 4 * referenceYardsticks.put.median),
  line('fast-import W1', 'all', 's', referenceYardsticks['fast-import W1'].median),
  line('getSync', 'a key', 'µs', referenceYardsticks.getSync.median),
])

describe('the slowdown of a machine', () => {
  test('is the geometric mean of ratios, in which twice as slow and twice as fast cancel out', () => {
    expect(geometricMean([2, 0.5])).toBeCloseTo(1, 12)
    expect(geometricMean([1, 4])).toBeCloseTo(2, 12)
    expect(geometricMean([1, 2, 4])).toBeCloseTo(2, 12)
    expect(geometricMean([3])).toBeCloseTo(3, 12)
    expect(geometricMean([])).toBeUndefined()
  })

  test('is greater than 1 where a yardstick takes longer here', () => {
    expect(slowPuts.map(({ step, slowdown }) => [step, slowdown])).toEqual([
      ['put', 4],
      ['fast-import W1', 1],
      ['getSync', 1],
    ])
  })
})

describe('workloads against the reference', () => {
  test('are faster where more is done in a second, and on a slower machine more so', () => {
    const [w1] = compareWorkloads([line('W1', 'keys', '/s', 18_024)], slowPuts)
    expect(w1).toMatchObject({ here: 18_024, plain: 2, yardsticks: ['put', 'fast-import W1'] })
    expect(w1?.slowdown).toBeCloseTo(2, 12)
    expect(w1?.scaled).toBeCloseTo(4, 12)
  })

  test('are faster where a collection takes fewer seconds, and on a faster machine less so', () => {
    const quick = compareYardsticks([
      line('gc dropped', 'x', 's', referenceYardsticks['gc dropped'].median / 2),
    ])
    const [w4] = compareWorkloads([line('W4 idle', 'timed', 's', 1.13 / 2)], quick)
    expect(w4).toMatchObject({ plain: 2, slowdown: 0.5, yardsticks: ['gc dropped'] })
    expect(w4?.scaled).toBeCloseTo(1, 12)
  })

  test('are scaled by the yardsticks of their kind that were measured, and by none without them', () => {
    const lines = [line('W3 fresh', 'reads, first pass', '/s', 55_837), line('W4 idle', 'timed', 's', 1.13)]
    const [w3, w4] = compareWorkloads(lines, slowPuts)
    expect(w3).toMatchObject({ plain: 1, scaled: 1, yardsticks: ['getSync'] })
    expect(w4).toMatchObject({ plain: 1, yardsticks: [] })
    expect([w4?.slowdown, w4?.scaled]).toEqual([undefined, undefined])
  })

  test('only at full size, and without the yardsticks among their figures', () => {
    const round = [
      { step: 'W1', figures: [{ what: 'keys', value: 9_012, unit: '/s' }], proofs: {} },
      { step: 'put', figures: [{ what: 'a key', value: 1, unit: 'µs' }], proofs: {} },
    ]
    const full = resultsOf([round], { isFullSize: true })
    expect(full.figures.map(({ step }) => step)).toEqual(['W1'])
    expect(full.yardsticks.map(({ step }) => step)).toEqual(['put'])
    expect(full.comparison?.workloads.map(({ label, plain }) => [label, plain])).toEqual([['W1: keys', 1]])
    const small = resultsOf([round], { isFullSize: false })
    expect(small.comparison).toBeUndefined()
    expect(small.yardsticks[0]).not.toHaveProperty('slowdown')
  })
})

describe('the tables', () => {
  test('of yardsticks show here, there, and the ratio', () => {
    const lines = compareYardsticks([
      line('fast-import W2', 'all', 's', 21.6),
      line('put', 'a key', 'µs', 3.34),
    ])
    expect(yardstickTable(lines).split('\n').slice(2)).toEqual([
      '| yardstick      | figure | median |  min |  max | unit | reference | its min | its max | here / reference |',
      '| -------------- | ------ | -----: | ---: | ---: | ---- | --------: | ------: | ------: | ---------------: |',
      '| fast-import W2 | all    |   21.6 | 21.6 | 21.6 | s    |      10.8 |       – |       – |                2 |',
      '| put            | a key  |   3.34 | 3.34 | 3.34 | µs   |      1.67 |    1.55 |    1.75 |                2 |',
    ])
  })

  test('of workloads show both ratios, and by what the second came about', () => {
    const lines = [line('W1', 'keys', '/s', 18_024), line('W4 idle', 'timed', 's', 0.565)]
    const table = comparisonTable(compareWorkloads(lines, slowPuts)).split('\n').slice(4)
    expect(table.map((row) => row.split('|').map((cell) => cell.trim()))).toEqual([
      ['', 'W1: keys', '18,020', '9,012', '/s', '2', '2', '4', 'put, fast-import W1', ''],
      ['', 'W4 idle: whole collection', '0.565', '1.13', 's', '2', '–', '–', '–', ''],
    ])
  })
})

describe('the yardsticks of a run', () => {
  test('that are usual hold all that workloads are scaled by', () => {
    const { chosen, withoutGit } = chooseYardsticks('usual', { hasGit: true })
    const names = chosen.map(({ name }) => name)
    const wanted = referenceWorkloads.flatMap((workload) => workload.yardsticks)
    expect(wanted.filter((name) => !names.includes(name))).toEqual([])
    expect(withoutGit).toEqual([])
    expect(names).not.toContain('gc all')
  })

  test('each have a place in a round, behind the files that they need', () => {
    const { chosen } = chooseYardsticks('all', { hasGit: true })
    const steps = courseOf(chosen).map(({ step }) => step)
    expect(chosen).toHaveLength(yardsticks.length)
    expect(steps.filter((step) => chosen.some(({ name }) => name === step.name))).toEqual(yardsticks)
    for (const [index, { name, copyOf }] of steps.entries()) {
      const before = steps.slice(0, index).map(({ folder }) => folder)
      expect(copyOf === undefined || before.includes(copyOf), name).toBe(true)
    }
  })

  test('without git, or when none are wanted, are fewer', () => {
    expect(chooseYardsticks('none', { hasGit: true })).toEqual({ chosen: [], withoutGit: [] })
    const { chosen, withoutGit } = chooseYardsticks('usual', { hasGit: false })
    expect(chosen.map(({ name }) => name)).toEqual(['put', 'getSync'])
    expect(withoutGit).toEqual(['fast-import W1', 'cat-file', 'fast-import W2', 'gc dropped'])
  })
})

test('a workload is told to git commit by commit, going on where the one before it ended', () => {
  const size = { ...workloadSizes.hundredth, growthCommits: 2, growthKeys: 1 }
  const script = (isNew: boolean): string[] =>
    [...importScript(growth(size), { branch: 'refs/heads/main', name: 'w', isNew })].map((commit) =>
      commit.toString('latin1'),
    )
  const writes = [...growth(size)].flat()
  const texts = writes.map(({ path, value }, i) => {
    const head = `commit refs/heads/main\ncommitter bench <bench@example.org> ${i} +0000\ndata 3\nw ${i}\n`
    return `${head}M 100644 inline ${path.join('/')}\ndata 100\n${value.toString('latin1')}\n`
  })
  expect(script(true)).toEqual(texts)
  expect(script(false)).toEqual([texts[0]?.replace('M 100644', 'from refs/heads/main^0\nM 100644'), texts[1]])
})
