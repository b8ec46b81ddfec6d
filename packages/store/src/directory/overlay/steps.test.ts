import { VarveError } from '@varve/pack/errors'
import { describe, expect, it } from 'vitest'
import { finishSteps, paceSteps, restartable, SharedSteps, type Steps } from './steps.ts'

function* counting(turns: number, ended: { count: number } = { count: 0 }): Steps<number> {
  try {
    for (let turn = 0; turn < turns; turn++) yield
    return turns
  } finally {
    ended.count++
  }
}

// biome-ignore lint/correctness/useYield: fails before its first turn.
function* failing(): Steps<number> {
  throw new Error('broken')
}

describe('steps', () => {
  it('are finished at once or paced', async () => {
    expect(finishSteps(counting(5))).toBe(5)
    expect(await paceSteps(counting(5))).toBe(5)
    await expect(paceSteps(failing())).rejects.toThrow('broken')
  })

  it('end when their signal aborts', async () => {
    const control = new AbortController()
    const ended = { count: 0 }
    const paced = paceSteps(counting(1e9, ended), control.signal)
    control.abort()
    await expect(paced).rejects.toSatisfy((e) => VarveError.is(e, 'ABORTED'))
    expect(ended.count).toBe(1)
  })

  it('start over while the mark moves', () => {
    let mark = 0
    let starts = 0
    const steps = restartable(
      () => mark,
      () => counting(++starts),
    )
    steps.next()
    mark++
    expect(finishSteps(steps)).toBe(2)
    expect(starts).toBe(2)
  })

  it('may be shared between those who wait and one who cannot', async () => {
    const ended = { count: 0 }
    const shared = new SharedSteps(counting(1000, ended))
    const waiting = [shared.pace(), shared.pace()]
    expect(shared.isDone).toBe(false)
    expect(shared.finish()).toBe(1000)
    expect(await Promise.all(waiting)).toEqual([1000, 1000])
    expect(ended.count).toBe(1)

    const broken = new SharedSteps(failing())
    expect(() => broken.finish()).toThrow('broken')
    expect(() => broken.finish()).toThrow('broken')
    await expect(broken.pace()).rejects.toThrow('broken')
  })
})
